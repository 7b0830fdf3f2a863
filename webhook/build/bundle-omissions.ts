/**
 * The packages that the bundle leaves out of `@kubernetes/client-node`. KubeConfig's file imports them for proxies, OpenID and the
 * generated clients of every resource; `kubernetes/request.ts` uses none of these, and refuses a kubeconfig that needs them. esbuild
 * cannot find that out. With them the bundle is 1.8 MB longer, and every webhook takes 8 MB more memory.
 */
import type { Plugin } from 'esbuild';

const PACKAGES = /^(?:undici|openid-client|jsonpath-plus|socks|socks-proxy-agent|hpagent)$/;
const GENERATED = /client-node\/dist$/;

export const omissions: Plugin = {
  name: 'omissions',
  setup(build) {
    const omitted = (path: string) => ({ path, namespace: 'omitted' });
    build.onResolve({ filter: PACKAGES }, ({ path, importer }) =>
      importer.includes('/@kubernetes/client-node/') ? omitted(path) : undefined,
    );
    build.onResolve({ filter: /^\.\/gen\/index\.js$/ }, ({ path, resolveDir }) =>
      GENERATED.test(resolveDir) ? omitted(path) : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'omitted' }, () => ({ contents: 'module.exports = {};' }));
  },
};
