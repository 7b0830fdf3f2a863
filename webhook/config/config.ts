/**
 * The configuration file: YAML, with flags that override its keys. An unknown key or a value that is not allowed is an error, whose
 * message has the key, the value and what is allowed.
 */
import { CATALOGUE } from '../decision/catalogue.ts';
import { parseMinor } from '../decision/mode.ts';
import { defaultPolicy, type Policy } from '../decision/policy.ts';
import { isRecord } from '../shared/json.ts';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import { quote } from '../shared/wording.ts';
import { ConfigError } from './error.ts';
import { CONFIG, type Config } from './schema.ts';
import { checked, type Override, parseYaml } from './yaml-text.ts';

export { ConfigError } from './error.ts';
export type { Config } from './schema.ts';
export type { Override } from './yaml-text.ts';

/** A ConfigMap holds 1 MiB at most. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/**
 * Read a configuration file, and apply the flags.
 * @param file undefined: only defaults and flags are used
 * @throws {ConfigError}
 */
export async function readConfig(file: string | undefined, overrides: Override[] = []): Promise<Config> {
  if (file === undefined) return parseConfig('', 'the defaults', overrides);
  try {
    return parseConfig(await readTextFile(file, MAX_CONFIG_BYTES), file, overrides);
  } catch (error) {
    if (!(error instanceof TextFileError)) throw error;
    throw new ConfigError(`--config: ${error.message}`, { cause: error });
  }
}

/**
 * Parse a configuration.
 * @param source its name in messages
 * @throws {ConfigError} with one line for each problem
 */
export function parseConfig(content: string, source: string, overrides: Override[] = []): Config {
  const raw = parseYaml(content, source);
  if (isRecord(raw) && typeof raw.apiVersion === 'string' && typeof raw.kind === 'string') {
    const hint = raw.kind === 'ConfigMap' ? ', which is what stands under a key of its data' : '';
    throw new ConfigError(
      `${source}: it is a Kubernetes object (${quote(raw.kind)}) and not the configuration itself${hint}`,
    );
  }
  return checked(CONFIG, applyOverrides(raw, overrides), source, overrides);
}

function applyOverrides(raw: unknown, overrides: Override[]): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  const merged: Record<string, unknown> = { ...raw };
  for (const { path, value } of overrides) {
    const [section, key] = path;
    const old = merged[section];
    if (old !== undefined && (typeof old !== 'object' || old === null)) continue;
    merged[section] = { ...old, [key]: value };
  }
  return merged;
}

/** The policy of a configuration. */
export function policyOf(config: Config): Policy {
  const { extra, disabled } = config.catalogue;
  const builtIn = CATALOGUE.map((known) => ({
    ...known,
    names: known.names.filter((name) => !disabled.includes(name)),
    disabled,
  }));
  const { image: shimImage, imagePullPolicy, resources: shimResources } = config.shim;
  return defaultPolicy({
    mode: config.mode,
    cluster: { server: undefined, leastKubelet: parseMinor(config.minimumKubelet ?? '') },
    shim: { image: shimImage, imagePullPolicy, resources: shimResources },
    catalogue: [...extra, ...builtIn],
    startTimeout: config.startTimeout,
  });
}
