/**
 * JSON values as YAML text, written so that every reader agrees: what might be a boolean, a number or a date to
 * some version of YAML stands in quotes.
 */

/** How a document writes its block collections. */
export interface BlockStyle {
  /** Columns of one level. */
  step: number;
  /** Columns of a list's dash beyond its key: 0 or the step. */
  dash: number;
}

/** A text that no YAML reader takes for anything but a string. */
const PLAIN = /^(?:--?[A-Za-z]|[A-Za-z]|\/)[A-Za-z0-9_./@%+=,-]*(?::[A-Za-z0-9_./@%+=,-]+)*$/;
const WORDS = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null', 'inf', 'nan']);

/**
 * A scalar, in one line.
 * @example scalarText('yes') // '"yes"'
 */
export function scalarText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null';
  if (PLAIN.test(value) && !WORDS.has(value.toLowerCase())) return value;
  // JSON inside a string stays readable in single quotes.
  if (/^[ -&(-~]+$/.test(value) && value.includes('"')) return `'${value}'`;
  return JSON.stringify(value);
}

/**
 * A value as a flow collection: JSON, which is YAML too.
 * @param indent the columns before the line on which it begins
 * @param step columns of one level; 0: all in one line
 */
export function flowText(value: unknown, indent = '', step = 0): string {
  if (step > 0) return JSON.stringify(value, null, step).replaceAll('\n', `\n${indent}`);
  if (Array.isArray(value)) return `[${value.map((item) => flowText(item)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${flowText(item)}`);
    return `{${pairs.join(', ')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/**
 * A pair of a block map: its lines, the first one without its indent, the last one without its end.
 * @param column where the key stands
 */
export function pairText(key: string, value: unknown, column: number, style: BlockStyle): string {
  const name = scalarText(key);
  if (isEmpty(value) || typeof value !== 'object' || value === null) return `${name}: ${inlineText(value)}`;
  const inner = Array.isArray(value) ? column + style.dash : column + style.step;
  return `${name}:\n${' '.repeat(inner)}${blockText(value, inner, style)}`;
}

/**
 * An item of a block list, with its dash.
 * @param column where the dash stands
 */
export function itemText(value: unknown, column: number, style: BlockStyle): string {
  if (isEmpty(value) || typeof value !== 'object' || value === null) return `- ${inlineText(value)}`;
  return `- ${blockText(value, column + 2, style)}`;
}

/** A collection that is not empty, as a block; its first line without the indent. */
function blockText(value: object, column: number, style: BlockStyle): string {
  const parts = Array.isArray(value)
    ? value.map((item) => itemText(item, column, style))
    : Object.entries(value).map(([key, item]) => pairText(key, item, column, style));
  return parts.join(`\n${' '.repeat(column)}`);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function inlineText(value: unknown): string {
  return typeof value === 'object' && value !== null ? flowText(value) : scalarText(value);
}
