import type { KnownSidecar } from './known-sidecar.ts';

/**
 * The sidecars that Curfew knows by name and image. To add one: an entry here, its source beside it, only facts that
 * its own documentation, injector or Dockerfile states.
 */
export const CATALOGUE: readonly KnownSidecar[] = [
  {
    names: ['istio-proxy'],
    images: ['proxyv2'],
    order: 10,
    ready: 'http://:15021/healthz/ready',
    entrypoint: ['/usr/local/bin/pilot-agent'],
  },
  { names: ['linkerd-proxy'], images: ['linkerd/proxy'], order: 10, ready: 'http://:4191/ready' },
];
