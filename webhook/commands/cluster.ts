/** What the commands that look at a cluster share: the connection, its errors, and how they print. */
import { styleText } from 'node:util';
import { parseMinor } from '../decision/mode.ts';
import type { Policy } from '../decision/policy.ts';
import type { KubernetesError } from '../kubernetes/error.ts';
import type { Reader } from '../kubernetes/reader.ts';
import { member } from '../shared/json.ts';
import { UsageError } from '../shared/usage-error.ts';
import { offlinePolicy } from './offline-policy.ts';
import { printable, type Terminal } from './terminal.ts';

/** The cluster cannot be asked, or did not answer. */
export const NO_ANSWER = 5;

/** Those of `CLUSTER_FLAGS` that choose a cluster. */
export interface ClusterChoice {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/**
 * Do something with the chosen cluster. What keeps it from being asked is said in one line.
 * @returns what `use` returns, or {@link NO_ANSWER}
 * @throws {UsageError} where the kubeconfig cannot be used
 */
export async function withCluster(
  choice: ClusterChoice,
  terminal: Terminal,
  use: (cluster: Reader) => Promise<number>,
): Promise<number> {
  const [{ readCluster }, { KubernetesError: Failure }] = await Promise.all([
    import('../kubernetes/reader.ts'),
    import('../kubernetes/error.ts'),
  ]);
  try {
    return await use(readCluster(choice));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === 'no-cluster') throw new UsageError(error.message, { cause: error });
    terminal.complain(printable(`curfew: ${sayFailure(error)}`));
    return NO_ANSWER;
  }
}

/**
 * The policy that the webhook would have in this cluster.
 * @param configFile its configuration, where it is not the default one
 * @throws {UsageError}
 */
export async function clusterPolicy(cluster: Reader, configFile: string | undefined): Promise<Policy> {
  const { KubernetesError: Failure } = await import('../kubernetes/error.ts');
  const version = await cluster.get('/version', 'get the version').catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'forbidden') return undefined;
    throw error;
  });
  const said = version === undefined ? undefined : member(version, 'gitVersion');
  const known =
    typeof said === 'string' && parseMinor(said) !== undefined ? { 'kubernetes-version': said } : {};
  const policy = await offlinePolicy(configFile, undefined, known);
  return { ...policy, cluster: { ...policy.cluster, isOffline: false } };
}

/** An error of the API server's in one line, with its own words. */
export function sayFailure({ message, said }: KubernetesError): string {
  const own = said?.replace(/\s+/g, ' ').trim();
  return own === undefined || own === '' ? message : `${message}: ${own.slice(0, 500)}`;
}

/** `text` or `json`. @throws {UsageError} */
export function outputOf(value: string): 'text' | 'json' {
  if (value === 'text' || value === 'json') return value;
  throw new UsageError(`--output ${JSON.stringify(value.slice(0, 64))} is not allowed; it is text or json`);
}

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/** Colours only where a person looks. */
export function paintOf({ colours }: Terminal): Paint {
  return colours
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}

/** A name that a path of the API may hold. @throws {UsageError} */
export function objectName(text: string, what: string): string {
  if (/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new UsageError(`${JSON.stringify(text.slice(0, 80))} is no name of a ${what}`);
}
