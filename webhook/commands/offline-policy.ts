/**
 * The policy of the commands that need no cluster: the defaults, or a configuration file's.
 */

import { type Minor, MODES, type Mode, parseMinor, parseMode } from '../decision/mode.ts';
import { defaultPolicy, type Policy } from '../decision/policy.ts';
import { UsageError } from '../shared/usage-error.ts';

/**
 * @param configFile the webhook's configuration, for its shim and catalogue
 * @param shimImage overrides the file
 * @param target the flags that say how sidecars are to end, and on which cluster
 * @throws {UsageError}
 */
export async function offlinePolicy(
  configFile: string | undefined,
  shimImage: string | undefined,
  target: { mode?: string | undefined; 'kubernetes-version'?: string | undefined },
): Promise<Policy> {
  const cluster = { ...parseVersion(target['kubernetes-version']), isOffline: true };
  const mode = target.mode === undefined ? {} : { mode: parseModeFlag(target.mode) };
  // Most runs configure nothing, and the schema takes its time to load.
  if (configFile === undefined && shimImage === undefined) return defaultPolicy({ ...mode, cluster });
  const { ConfigError, policyOf, readConfig } = await import('../config/config.ts');
  const image =
    shimImage === undefined
      ? []
      : [{ flag: '--shim-image', path: ['shim', 'image'] as const, value: shimImage }];
  try {
    const policy = policyOf(await readConfig(configFile, image));
    return { ...policy, ...mode, cluster: { ...policy.cluster, ...cluster } };
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** @throws {UsageError} */
function parseModeFlag(text: string): Mode {
  const mode = parseMode(text);
  if (mode !== undefined) return mode;
  throw new UsageError(
    `--mode ${JSON.stringify(text.slice(0, 64))} is not allowed; it is ${MODES.join(', ')}`,
  );
}

/** @throws {UsageError} */
function parseVersion(text: string | undefined): { server: Minor | undefined } {
  const server = text === undefined ? undefined : parseMinor(text);
  if (text !== undefined && server === undefined)
    throw new UsageError(
      `--kubernetes-version ${JSON.stringify(text.slice(0, 64))} is no version of Kubernetes, as in 1.33`,
    );
  return { server };
}
