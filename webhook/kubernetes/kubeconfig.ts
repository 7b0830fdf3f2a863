/**
 * The kubeconfig of the person who runs a command, found and merged as kubectl does.
 *
 * Import this file lazily: it loads `@kubernetes/client-node`.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Authenticator } from '@kubernetes/client-node/dist/auth.js';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { User } from '@kubernetes/client-node/dist/config_types.js';
import { ExecAuth } from '@kubernetes/client-node/dist/exec_auth.js';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { KubernetesError } from './error.ts';
import { unsupportedIn } from './request.ts';

/** What a person says of the cluster. */
export interface Choice {
  /** One file, in place of those that KUBECONFIG names. */
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/** A kubeconfig from which one context is chosen. */
export interface PersonalConfig {
  config: KubeConfig;
  /** The context's, `default` where it has none. */
  namespace: string;
}

const ACTION = 'find the API server';
/** A person may have to log in meanwhile. */
const PLUGIN_MS = 60_000;

/**
 * Read the files that `--kubeconfig` or KUBECONFIG name, else `~/.kube/config`, else, in a pod, its service account's. No request is
 * sent, and no credential plugin is started yet.
 * @throws {KubernetesError} `no-cluster`
 */
export function personalConfig(
  { kubeconfig, context }: Choice,
  env: NodeJS.ProcessEnv = process.env,
): PersonalConfig {
  const files = filesOf(kubeconfig, env);
  const config = load(files, env);
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context))
      throw noCluster(
        `the kubeconfig has no context ${JSON.stringify(context.slice(0, 100))}; it has ${names.slice(0, 8).join(', ') || 'none'}`,
      );
    config.setCurrentContext(context);
  }
  const chosen = config.getContextObject(config.getCurrentContext() ?? '');
  if (chosen === null)
    throw noCluster(
      'the kubeconfig has no current context: choose one with --context, or kubectl config use-context',
    );
  // A pod's own token is an auth-provider to the library.
  const unsupported = files === undefined ? undefined : unsupportedIn(config);
  if (unsupported !== undefined) throw noCluster(unsupported);
  boundPlugin(config);
  return { config, namespace: chosen.namespace || 'default' };
}

/** The names of all contexts, for completion; none where nothing can be read. */
export function contextNames(kubeconfig: string | undefined, env: NodeJS.ProcessEnv = process.env): string[] {
  try {
    return load(filesOf(kubeconfig, env), env)
      .getContexts()
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Undefined: the service account's of this pod. */
function filesOf(kubeconfig: string | undefined, env: NodeJS.ProcessEnv): string[] | undefined {
  if (kubeconfig !== undefined) return [kubeconfig];
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) {
    // As kubectl: of several files those that are there count.
    const there = named.filter((file) => existsSync(file));
    return there.length > 0 ? there : named.slice(0, 1);
  }
  const usual = join(env.HOME || homedir(), '.kube', 'config');
  if (existsSync(usual)) return [usual];
  if (env.KUBERNETES_SERVICE_HOST !== undefined) return undefined;
  throw noCluster(`there is no ${usual}; name a kubeconfig with --kubeconfig or KUBECONFIG`);
}

function load(files: readonly string[] | undefined, env: NodeJS.ProcessEnv): KubeConfig {
  const merged = new KubeConfig();
  if (files === undefined) {
    if (env.KUBERNETES_SERVICE_PORT === undefined) throw noCluster('KUBERNETES_SERVICE_PORT is not set');
    merged.loadFromCluster();
    return merged;
  }
  const named = new Set<string>();
  for (const file of files) {
    const config = read(file);
    // The first file that has a name keeps it, as for kubectl.
    const isNew = (kind: string, name: string) =>
      !named.has(`${kind} ${name}`) && named.add(`${kind} ${name}`);
    config.clusters = config.clusters.filter(({ name }) => isNew('cluster', name));
    config.users = config.users.filter(({ name }) => isNew('user', name));
    config.contexts = config.contexts.filter(({ name }) => isNew('context', name));
    merged.mergeConfig(config, merged.currentContext !== undefined && merged.currentContext !== '');
  }
  return merged;
}

function read(file: string): KubeConfig {
  const shown = JSON.stringify(file.slice(0, 200));
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code =
      error instanceof Error && 'code' in error ? String(error.code).slice(0, 64) : 'unknown error';
    throw noCluster(`the kubeconfig ${shown} cannot be read (${code})`);
  }
  const config = new KubeConfig();
  try {
    config.loadFromString(text);
    config.makePathsAbsolute(dirname(file));
  } catch {
    // Without the cause: a parser's message may quote a key.
    throw noCluster(`the file ${shown} cannot be read as a kubeconfig`);
  }
  return config;
}

/**
 * Let the current user's credential plugin end after a while, give it what kubectl gives it (KUBERNETES_EXEC_INFO,
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins), and say its name when it fails.
 */
function boundPlugin(config: KubeConfig): void {
  const user = config.getCurrentUser();
  const exec: unknown = user?.exec;
  if (user === null || !isRecord(exec)) return;
  const command = member(exec, 'command');
  if (typeof command !== 'string' || command === '')
    throw noCluster("the kubeconfig's exec names no command");
  const env = member(exec, 'env');
  const info = { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(execInfo(config, exec)) };
  const asked: User = { name: user.name, exec: { ...exec, env: [...(Array.isArray(env) ? env : []), info] } };
  const plugin = new ExecAuth();
  // ExecAuth offers no limit: its own field for a spawn of the tests' is the only door.
  Object.assign(plugin, {
    execFn: (program: string, args: string[], options: object) =>
      spawn(program, args, {
        ...options,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: PLUGIN_MS,
        killSignal: 'SIGKILL',
      }),
  });
  const authenticator: Authenticator = {
    isAuthProvider: ({ authProvider }) => isRecord(authProvider) && authProvider.name === OUR_PLUGIN,
    applyAuthentication: async (_user, options) => {
      try {
        const { headers, ...given }: RequestOptions = await credential(plugin, asked);
        Object.assign(options, given, { headers: { ...options.headers, ...headers } });
      } catch (error) {
        throw pluginError(command, exec, error);
      }
    },
  };
  config.users = config.users.map((one) =>
    one === user ? { ...one, exec: undefined, authProvider: { name: OUR_PLUGIN } } : one,
  );
  config.addAuthenticator(authenticator);
}

async function credential(plugin: ExecAuth, user: User): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await plugin.applyAuthentication(user, options);
  return options;
}

const OUR_PLUGIN = 'curfew-bounded-exec';

function execInfo(config: KubeConfig, exec: JsonRecord): JsonRecord {
  const cluster = config.getCurrentCluster();
  const wantsCluster = member(exec, 'provideClusterInfo') === true && cluster !== null;
  return {
    apiVersion: member(exec, 'apiVersion') ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(wantsCluster
        ? {
            cluster: {
              server: cluster.server,
              ...(cluster.caData === undefined ? {} : { 'certificate-authority-data': cluster.caData }),
              ...(cluster.tlsServerName === undefined ? {} : { 'tls-server-name': cluster.tlsServerName }),
              ...(cluster.skipTLSVerify ? { 'insecure-skip-tls-verify': true } : {}),
            },
          }
        : {}),
    },
  };
}

/** What the plugin printed on its standard error is its own word to the person; its output is never shown. */
function pluginError(command: string, exec: JsonRecord, error: unknown): KubernetesError {
  const code = error instanceof Error && 'code' in error ? String(error.code).slice(0, 64) : undefined;
  const hint = member(exec, 'installHint');
  const name = JSON.stringify(command.slice(0, 200));
  if (code === 'ENOENT')
    return new KubernetesError(
      'unauthorized',
      'get a credential',
      `the kubeconfig's credential plugin ${name} is not found${typeof hint === 'string' ? `: ${hint.trim().slice(0, 300)}` : ''}`,
    );
  const isOutput = error instanceof SyntaxError || error instanceof TypeError;
  const said = !isOutput && error instanceof Error ? error.message.trim().split('\n', 1)[0] : undefined;
  const why = isOutput
    ? 'printed no ExecCredential'
    : said === undefined || said === ''
      ? 'failed, or was killed after 60 s'
      : `failed: ${said.slice(0, 300)}`;
  return new KubernetesError(
    'unauthorized',
    'get a credential',
    `the kubeconfig's credential plugin ${name} ${why}`,
  );
}

function noCluster(why: string): KubernetesError {
  return new KubernetesError('no-cluster', ACTION, why);
}
