/** Reads a Zod schema: its keys with their help texts, and the part of it at a path. */
import { z } from 'zod';

/** One key that holds a value. */
interface DescribedKey {
  /** The path with dots: `limits.bodyBytes`. */
  path: string;
  /** What the key means. */
  help: string;
  /** What the key takes. */
  allowed: string;
  /** The default, as the file would have it. */
  standard: string | undefined;
}

/** Each key of a schema that holds a value. */
export function* describeKeys(schema: z.ZodType, path: string[] = []): Generator<DescribedKey> {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) {
    const { description = '', allowed = '' } = metaOf(schema);
    yield { path: path.join('.'), help: description, allowed, standard: defaultOf(schema) };
    return;
  }
  for (const [key, child] of Object.entries(inner.shape)) {
    if (child instanceof z.ZodType) yield* describeKeys(child, [...path, key]);
  }
}

function defaultOf(schema: z.ZodType): string | undefined {
  if (!(schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)) return undefined;
  const value = schema.def.defaultValue;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The keys of the map at a path; none where it is not a map. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrap(schemaAt(schema, path));
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** What the key at a path takes, as a clause. */
export function allowedAt(schema: z.ZodType, path: readonly PropertyKey[]): string {
  const { allowed } = metaOf(schemaAt(schema, path));
  if (allowed !== undefined) return allowed;
  const keys = keysAt(schema, path);
  return keys.length === 0 ? 'another value' : `a map with the keys ${keys.join(', ')}`;
}

/** The schema at a path, or that of the last step that it knows. */
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

/** The schema inside defaults and optionals. */
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

/** The help texts of the outermost schema that has some. */
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
    if (!('innerType' in at.def) || !(at.def.innerType instanceof z.ZodType)) return {};
    at = at.def.innerType;
  }
}
