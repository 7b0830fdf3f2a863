import type { CataloguedSidecar } from './catalogue-entry.ts';

/** Secrets, identities, permissions: what the others are let in with. */
export const CREDENTIAL_SIDECARS: readonly CataloguedSidecar[] = [
  {
    // The same image is the server, and the command line with which Jobs set one up.
    what: 'Vault agent, OpenBao agent',
    names: ['vault-agent', 'bao-agent', 'openbao-agent'],
    images: ['vault', 'vault-enterprise', 'openbao', 'openbao-ubi'],
    order: 20,
    vague: { imageWithout: ['agent', 'proxy'] },
    source:
      'hashicorp/vault-k8s: agent-inject/agent/container_sidecar.go; openbao/openbao-k8s: agent-inject/agent',
  },
  {
    what: 'Azure workload identity proxy',
    // The second one is that of the manifest in Microsoft's migration guide.
    names: ['azwi-proxy', 'proxy'],
    images: ['azure-workload-identity/proxy', 'workload-identity/proxy'],
    order: 20,
    vague: { names: ['proxy'] },
    ready: 'tcp://:8000',
    settings: { port: ['--proxy-port'] },
    source:
      'Azure/azure-workload-identity: cmd/proxy/main.go, pkg/webhook/webhook.go; learn.microsoft.com: AKS, migrate to workload identity',
  },
  {
    what: 'SPIFFE helper',
    names: ['spiffe-helper'],
    images: ['spiffe-helper'],
    order: 20,
    source: 'spiffe/spiffe-helper: README.md',
  },
  {
    what: 'OAuth2 Proxy',
    names: ['oauth2-proxy'],
    images: ['oauth2-proxy'],
    order: 20,
    source: 'oauth2-proxy/oauth2-proxy: README.md',
  },
  {
    what: 'AWS SigV4 proxy',
    names: ['aws-sigv4-proxy', 'aws-sigv4-proxy-sidecar', 'sigv4-proxy', 'sidecar-aws-sigv4-proxy'],
    images: ['aws-sigv4-proxy'],
    order: 20,
    source:
      'awslabs/aws-sigv4-proxy: README.md; aws-observability/aws-sigv4-proxy-admission-controller: the injected container',
  },
  {
    // The same image tests policies; only a server is a sidecar.
    what: 'Open Policy Agent',
    names: ['opa-envoy', 'opa-istio', 'opa-sidecar'],
    images: ['openpolicyagent/opa'],
    order: 20,
    vague: { imageWithout: ['--server', '-s'] },
    source: 'open-policy-agent/opa-envoy-plugin: quick_start.yaml; openpolicyagent.org: Envoy tutorial',
  },
];
