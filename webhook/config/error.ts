/**
 * What is wrong with a configuration, in words: the key, the value, what is allowed.
 */
import { z } from 'zod';
import { nearest } from '../shared/spelling.ts';
import { quote } from '../shared/wording.ts';

/** The configuration is wrong; one line for each thing. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Of the unknown keys of one map; a file of another kind has many. */
const MAX_KEYS = 8;

/**
 * One line for each thing that an issue stands for.
 * @param value the whole configuration, as it was read
 * @param flagOf the flag that set a key, where one did
 */
export function explainIssue(
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  value: unknown,
  flagOf: (path: string) => string | undefined,
): string[] {
  const path = dotted(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysOf(schemaAt(schema, issue.path));
    const shown = issue.keys.slice(0, MAX_KEYS);
    const more = issue.keys.length - shown.length;
    const lines = shown.map((key) => {
      const guess = nearest(key, known) ?? elsewhere(schema, key);
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

/** Each key that holds a value: its dotted path, what it means, what it takes, its default. */
export function* describeKeys(
  schema: z.ZodType,
  path: string[] = [],
): Generator<{ path: string; help: string; allowed: string; standard: string | undefined }> {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) {
    const { description = '', allowed = '' } = metaOf(schema);
    yield { path: dotted(path), help: description, allowed, standard: standardOf(schema) };
    return;
  }
  for (const [key, child] of Object.entries(inner.shape)) {
    if (child instanceof z.ZodType) yield* describeKeys(child, [...path, key]);
  }
}

/** A key's default, as the file would have it. */
function standardOf(schema: z.ZodType): string | undefined {
  if (!(schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)) return undefined;
  const value = schema.def.defaultValue;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A key that stands in another section: `port` at the top is `listen.port`. */
function elsewhere(schema: z.ZodType, key: string): string | undefined {
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

/** A key as a message shows it: as it is where it could be one of ours. */
function keyName(key: string): string {
  return /^[\w./-]{1,64}$/.test(key) ? key : quote(key);
}

function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  for (;;) {
    const next =
      inner instanceof z.ZodDefault ||
      inner instanceof z.ZodPrefault ||
      inner instanceof z.ZodOptional ||
      inner instanceof z.ZodExactOptional
        ? inner.def.innerType
        : inner;
    if (next === inner || !(next instanceof z.ZodType)) return inner;
    inner = next;
  }
}

function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType {
  let at = schema;
  for (const step of path) {
    const inner = unwrap(at);
    const next =
      inner instanceof z.ZodObject
        ? inner.shape[String(step)]
        : inner instanceof z.ZodArray
          ? inner.def.element
          : undefined;
    if (!(next instanceof z.ZodType)) return at;
    at = next;
  }
  return at;
}

function keysOf(schema: z.ZodType): string[] {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function metaOf(schema: z.ZodType): { description?: string; allowed?: string } {
  for (let at = schema; ; ) {
    const meta = at.meta();
    if (meta !== undefined) {
      const { description, allowed } = meta;
      return {
        ...(description === undefined ? {} : { description }),
        ...(typeof allowed === 'string' ? { allowed } : {}),
      };
    }
    const inner = unwrapOnce(at);
    if (inner === undefined) return {};
    at = inner;
  }
}

function unwrapOnce(schema: z.ZodType): z.ZodType | undefined {
  if (!('innerType' in schema.def)) return undefined;
  const { innerType } = schema.def;
  return innerType instanceof z.ZodType ? innerType : undefined;
}

function allowedAt(schema: z.ZodType, path: readonly PropertyKey[]): string {
  const at = schemaAt(schema, path);
  const { allowed } = metaOf(at);
  if (allowed !== undefined) return allowed;
  const keys = keysOf(at);
  return keys.length === 0 ? 'another value' : `a map with the keys ${keys.join(', ')}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

/** A value for a message: short, nothing that looks like a key's text, no password of an address. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
  if (typeof value !== 'string') return String(value);
  if (value.includes('-----BEGIN')) return 'a PEM text (it takes the name of a file)';
  const shown = value.replace(/\/\/[^/\s]*@/, '//...@');
  return quote(shown, 80);
}
