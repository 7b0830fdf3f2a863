/** Untyped JSON: each function reads a member of a record as the type that is expected there, or says which field is wrong. */

export type JsonRecord = { readonly [key: string]: unknown };

/** A value that has not the shape that is expected there. The message names the field. */
export class ShapeError extends Error {}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parse a text that should be a JSON object. @returns undefined for anything else */
export function parseJsonObject(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An own member of a record; `null` counts as absent, as in Kubernetes. */
export function member(record: JsonRecord, key: string): unknown {
  return Object.hasOwn(record, key) ? (record[key] ?? undefined) : undefined;
}

/** @throws {ShapeError} */
export function recordAt(record: JsonRecord, key: string, where: string): JsonRecord | undefined {
  const value = member(record, key);
  if (value === undefined || isRecord(value)) return value;
  throw new ShapeError(`${where}.${key} is not an object`);
}

/** @throws {ShapeError} */
export function recordsAt(record: JsonRecord, key: string, where: string): readonly JsonRecord[] | undefined {
  const value = member(record, key);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every(isRecord)) return value;
  throw new ShapeError(`${where}.${key} is not a list of objects`);
}

/** @throws {ShapeError} */
export function textAt(record: JsonRecord, key: string, where: string): string | undefined {
  const value = member(record, key);
  if (value === undefined || typeof value === 'string') return value;
  throw new ShapeError(`${where}.${key} is not a string${unquoted(value)}`);
}

/** A hint for a value that its author may have meant as a text, and YAML reads as something else: `y`, `on`, `5`. */
export function unquoted(value: unknown): string {
  return typeof value === 'boolean' || typeof value === 'number'
    ? `, YAML reads ${value}: put it in quotes`
    : '';
}

/** @throws {ShapeError} */
export function textsAt(record: JsonRecord, key: string, where: string): readonly string[] | undefined {
  const value = member(record, key);
  if (value === undefined || isTexts(value)) return value;
  const hint = Array.isArray(value) ? unquoted(value.find((item) => typeof item !== 'string')) : '';
  throw new ShapeError(`${where}.${key} is not a list of strings${hint}`);
}

/** @throws {ShapeError} */
export function wholeAt(record: JsonRecord, key: string, where: string): number | undefined {
  const value = member(record, key);
  if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
  throw new ShapeError(`${where}.${key} is not a whole number`);
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Set a record's own member, also one that is called `__proto__`. */
export function put(record: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') record[key] = value;
  else Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true });
}
