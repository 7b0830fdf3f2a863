/** Messages for a wrong configuration: the key, the value, and what is allowed. */
import type { z } from 'zod';
import { nearest } from '../shared/spelling.ts';
import { quote } from '../shared/wording.ts';
import { allowedAt, describeKeys, keysAt } from './schema-keys.ts';

/** The configuration is wrong. The message has one line for each problem. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** How many unknown keys of one map are listed. A file of another kind has many. */
const MAX_KEYS = 8;

/**
 * The messages for an issue, one line each.
 * @param value the whole configuration, as it was read
 * @param flagOf the flag that has set a key, where one has
 */
export function explainIssue(
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  value: unknown,
  flagOf: (path: string) => string | undefined,
): string[] {
  if (issue.code === 'unrecognized_keys') return explainUnknownKeys(schema, issue);
  const path = dotted(issue.path);
  const allowed =
    issue.code === 'custom' && issue.message !== 'Invalid input'
      ? issue.message
      : allowedAt(schema, issue.path);
  const flag = flagOf(path);
  const name = path === '' ? 'the file' : flag === undefined ? path : `${flag} (${path})`;
  const found = valueAt(value, issue.path);
  if (found === undefined) return [`${name} is missing; it takes ${allowed}`];
  return [`${name} is ${describe(found)}, which is not allowed; it takes ${allowed}`];
}

function explainUnknownKeys(schema: z.ZodType, issue: z.core.$ZodIssueUnrecognizedKeys): string[] {
  const path = dotted(issue.path);
  const known = keysAt(schema, issue.path);
  const shown = issue.keys.slice(0, MAX_KEYS);
  const more = issue.keys.length - shown.length;
  const lines = shown.map((key) => {
    const guess = nearest(key, known) ?? sameKeyElsewhere(schema, key);
    const hint =
      path === '' && key === 'config'
        ? ": what stands under config in the chart's values stands at the top here."
        : guess === undefined
          ? '.'
          : `, did you mean ${guess.includes('.') ? guess : dotted([...issue.path, guess])}?`;
    return `unknown key ${dotted([...issue.path, key])}${hint} Known ${path === '' ? 'sections' : `keys of ${path}`}: ${known.join(', ')}`;
  });
  return more === 0 ? lines : [...lines, `and ${more} more unknown keys`];
}

/** The path of a key with this name in any section: `listen.port` for `port`. */
function sameKeyElsewhere(schema: z.ZodType, key: string): string | undefined {
  for (const { path } of describeKeys(schema)) if (path.endsWith(`.${key}`)) return path;
  return undefined;
}

function dotted(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += `${text === '' ? '' : '.'}${keyName(String(step))}`;
  }
  return text;
}

/** A key for a message. It is quoted unless it has the form of a real key. */
function keyName(key: string): string {
  return /^[\w./-]{1,64}$/.test(key) ? key : quote(key);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

/** A value for a message: cut, and without a private key or the password of an address. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
  if (typeof value !== 'string') return String(value);
  if (value.includes('-----BEGIN')) return 'a PEM text (it takes the name of a file)';
  const shown = value.replace(/\/\/[^/\s]*@/, '//...@');
  return quote(shown, 80);
}
