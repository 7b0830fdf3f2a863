/** A YAML text that has a schema: errors name the text, the key, the value and what is allowed. */
import { type Document, isScalar, LineCounter, parseDocument, visit, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import { quote } from '../shared/wording.ts';
import { explainSyntaxError, explainValueError } from '../shared/yaml-error.ts';
import { ConfigError, explainIssue } from './error.ts';

/** A flag that overrides a key. The value is of the type that the file has there. */
export interface Override {
  flag: string;
  path: readonly [section: string, key: string];
  value: unknown;
}

/** How many problems are listed. */
const MAX_ISSUES = 20;

/**
 * Parse YAML, in which no key stands twice in a map.
 * @param source its name in messages
 * @returns any JSON value; an empty text is an empty map
 * @throws {ConfigError}
 */
export function parseYaml(content: string, source: string): unknown {
  const lineCounter = new LineCounter();
  // The parser's own check for duplicate keys takes quadratic time: a minute for a megabyte of keys.
  const document = parseDocument(content, {
    ...{ prettyErrors: true, uniqueKeys: false, lineCounter },
    // A warning would be a line of its own on the standard error.
    logLevel: 'error',
  });
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const [place] = syntax.linePos ?? [];
    const where = place === undefined ? '' : ` (line ${place.line}, column ${place.col})`;
    throw new ConfigError(`${source}: ${explainSyntaxError(syntax, content)}${where}`);
  }
  try {
    refuseDuplicateKeys(document, source, lineCounter);
    const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
    return value;
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${source}: ${explainValueError(cause)}`, { cause });
  }
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

/**
 * The value as the schema has it.
 * @param overrides the flags that have set keys of the value
 * @throws {ConfigError} with one line for each problem
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  source: string,
  overrides: readonly Override[] = [],
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const flagOf = (path: string) => overrides.find((override) => override.path.join('.') === path)?.flag;
  const { issues } = result.error;
  const lines = issues.slice(0, MAX_ISSUES).flatMap((issue) => explainIssue(schema, issue, value, flagOf));
  if (issues.length > MAX_ISSUES) lines.push(`and ${issues.length - MAX_ISSUES} more`);
  throw new ConfigError(
    lines.map((line) => (line.startsWith('--') ? line : `${source}: ${line}`)).join('\n'),
  );
}
