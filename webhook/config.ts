/**
 * The configuration file: YAML, over it the flags. A key that is not known or a value that is not allowed stops the
 * start, with the key, the value and what is allowed.
 */
import { parseDocument } from 'yaml';
import { CATALOGUE } from './catalogue.ts';
import { ConfigError, explainIssue } from './config-error.ts';
import { CONFIG, type Config } from './config-schema.ts';
import { defaultPolicy, type Policy } from './policy.ts';
import { readTextFile, TextFileError } from './text-file.ts';

export { ConfigError } from './config-error.ts';
export type { Config } from './config-schema.ts';

/** A flag that overrides a key. The value is what the file could have held there. */
export interface Override {
  flag: string;
  path: readonly [section: string, key: string];
  value: unknown;
}

/** A ConfigMap holds 1 MiB at most. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/**
 * Read a configuration file, then put flags over it.
 * @param file undefined: only defaults and flags
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
 * @param source what messages call it
 * @throws {ConfigError} with one line for each thing that is wrong
 */
export function parseConfig(content: string, source: string, overrides: Override[] = []): Config {
  const document = parseDocument(content, { prettyErrors: true });
  const [syntax] = document.errors;
  if (syntax !== undefined) throw new ConfigError(`${source}: ${syntax.message.split('\n', 1)[0]}`);
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (cause) {
    throw new ConfigError(`${source}: its aliases expand to too much`, { cause });
  }
  const asked = overlay(raw, overrides);
  const result = CONFIG.safeParse(asked);
  if (result.success) return result.data;
  const flagOf = (path: string) => overrides.find((override) => override.path.join('.') === path)?.flag;
  const lines = result.error.issues.flatMap((issue) => explainIssue(CONFIG, issue, asked, flagOf));
  throw new ConfigError(
    lines.map((line) => (line.startsWith('--') ? line : `${source}: ${line}`)).join('\n'),
  );
}

function overlay(raw: unknown, overrides: Override[]): unknown {
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

/**
 * The policy that a configuration asks for.
 */
export function policyOf(config: Config): Policy {
  const { extra, disabled } = config.catalogue;
  const builtIn = CATALOGUE.map((known) => ({
    ...known,
    names: known.names.filter((name) => !disabled.includes(name)),
  }));
  const { image: shimImage, imagePullPolicy, resources: shimResources } = config.shim;
  return defaultPolicy({
    shim: { image: shimImage, imagePullPolicy, resources: shimResources },
    catalogue: [...extra, ...builtIn],
  });
}
