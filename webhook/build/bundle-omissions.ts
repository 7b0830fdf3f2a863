/**
 * What the bundle leaves out of `@kubernetes/client-node`: packages that KubeConfig's file imports at its head, for ways
 * of using it that `kubernetes/request.ts` does not go and refuses (proxies, OpenID, generated clients for every resource).
 * esbuild cannot know that: with them the bundle is 1.8 MB longer, and each webhook 8 MB heavier, whether it calls the API
 * server or not.
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
