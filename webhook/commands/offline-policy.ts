/**
 * The policy of the commands that need no cluster: the defaults, or a configuration file's.
 */

import { defaultPolicy, type Policy } from '../decision/policy.ts';
import { UsageError } from '../shared/usage-error.ts';

/**
 * @param configFile the webhook's configuration, for its shim and catalogue
 * @param shimImage overrides the file
 * @throws {UsageError}
 */
export async function offlinePolicy(
  configFile: string | undefined,
  shimImage: string | undefined,
): Promise<Policy> {
  // Most runs configure nothing, and the schema takes its time to load.
  if (configFile === undefined && shimImage === undefined) return defaultPolicy();
  const { ConfigError, policyOf, readConfig } = await import('../config/config.ts');
  const image =
    shimImage === undefined
      ? []
      : [{ flag: '--shim-image', path: ['shim', 'image'] as const, value: shimImage }];
  try {
    return policyOf(await readConfig(configFile, image));
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
