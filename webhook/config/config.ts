/**
 * The configuration file: YAML, with flags that override its keys. An unknown key or a value that is not allowed is an error, whose
 * message has the key, the value and what is allowed.
 */
import { type Document, isScalar, LineCounter, parseDocument, visit, type YAMLMap } from 'yaml';
import { CATALOGUE } from '../decision/catalogue.ts';
import { parseMinor } from '../decision/mode.ts';
import { defaultPolicy, type Policy } from '../decision/policy.ts';
import { isRecord } from '../shared/json.ts';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import { quote } from '../shared/wording.ts';
import { explainSyntaxError, explainValueError } from '../shared/yaml-error.ts';
import { ConfigError, explainIssue } from './error.ts';
import { CONFIG, type Config } from './schema.ts';

export { ConfigError } from './error.ts';
export type { Config } from './schema.ts';

/** A flag that overrides a key. The value is of the type that the file has there. */
export interface Override {
  flag: string;
  path: readonly [section: string, key: string];
  value: unknown;
}

/** A ConfigMap holds 1 MiB at most. */
const MAX_CONFIG_BYTES = 1024 * 1024;
/** How many problems are listed. */
const MAX_ISSUES = 20;

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
  const lineCounter = new LineCounter();
  // The parser's own check for duplicate keys takes quadratic time: a minute for a megabyte of keys.
  const document = parseDocument(content, { prettyErrors: true, uniqueKeys: false, lineCounter });
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const [place] = syntax.linePos ?? [];
    const where = place === undefined ? '' : ` (line ${place.line}, column ${place.col})`;
    throw new ConfigError(`${source}: ${explainSyntaxError(syntax, content)}${where}`);
  }
  let raw: unknown;
  try {
    refuseDuplicateKeys(document, source, lineCounter);
    raw = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${source}: ${explainValueError(cause)}`, { cause });
  }
  if (isRecord(raw) && typeof raw.apiVersion === 'string' && typeof raw.kind === 'string') {
    const hint = raw.kind === 'ConfigMap' ? ', which is what stands under a key of its data' : '';
    throw new ConfigError(
      `${source}: it is a Kubernetes object (${quote(raw.kind)}) and not the configuration itself${hint}`,
    );
  }
  const merged = applyOverrides(raw, overrides);
  const result = CONFIG.safeParse(merged);
  if (result.success) return result.data;
  const flagOf = (path: string) => overrides.find((override) => override.path.join('.') === path)?.flag;
  const { issues } = result.error;
  const lines = issues.slice(0, MAX_ISSUES).flatMap((issue) => explainIssue(CONFIG, issue, merged, flagOf));
  if (issues.length > MAX_ISSUES) lines.push(`and ${issues.length - MAX_ISSUES} more`);
  throw new ConfigError(
    lines.map((line) => (line.startsWith('--') ? line : `${source}: ${line}`)).join('\n'),
  );
}

function refuseDuplicateKeys(document: Document, source: string, lineCounter: LineCounter): void {
  const look = (_key: unknown, { items }: YAMLMap) => {
    const seen = new Set<unknown>();
    for (const { key } of items) {
      if (!isScalar(key)) continue;
      if (seen.has(key.value)) {
        const { line, col } = lineCounter.linePos(key.range?.[0] ?? 0);
        throw new ConfigError(
          `${source}: the key ${quote(String(key.value))} stands twice in one map (line ${line}, column ${col})`,
        );
      }
      seen.add(key.value);
    }
  };
  visit(document, { Map: look });
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
