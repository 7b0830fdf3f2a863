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
const WORD = /^(?:y|n|yes|no|on|off|true|false|null|inf|nan)$/i;
/** What JSON leaves as it is and YAML takes for a line's end, or does not allow. */
const UNWRITABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/**
 * A scalar, in one line.
 * @example scalarText('yes') // '"yes"'
 */
export function scalarText(value: unknown): string {
  if (typeof value !== 'string') return jsonText(value);
  if (PLAIN.test(value) && !WORD.test(value)) return value;
  // JSON inside a string stays readable in single quotes.
  if (/^[ -&(-~]+$/.test(value) && value.includes('"')) return `'${value}'`;
  return jsonText(value);
}

function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value) ?? 'null';
  return text.replace(UNWRITABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * A value as a flow collection: JSON, which is YAML too.
 * @param indent the columns before the line on which it begins
 * @param step one level more; empty: all in one line
 */
export function flowText(value: unknown, indent = '', step = ''): string {
  if (typeof value !== 'object' || value === null) return jsonText(value);
  const inner = indent + step;
  const parts = Array.isArray(value)
    ? value.map((item) => flowText(item, inner, step))
    : Object.entries(value).map(([key, item]) => `${jsonText(key)}: ${flowText(item, inner, step)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (step === '' || parts.length === 0) return `${open}${parts.join(', ')}${close}`;
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

/**
 * A pair of a block map: its lines, the first one without its indent, the last one without its end.
 * @param column where the key stands
 */
export function pairText(key: string, value: unknown, column: number, style: BlockStyle): string {
  const name = scalarText(key);
  return isFilled(value) ? `${name}:\n${valueText(value, column, style)}` : `${name}: ${inlineText(value)}`;
}

/** The lines below a key, indented. */
export function valueText(value: object, column: number, style: BlockStyle): string {
  const inner = Array.isArray(value) ? column + style.dash : column + style.step;
  return `${' '.repeat(inner)}${blockText(value, inner, style)}`;
}

/**
 * An item of a block list, with its dash.
 * @param column where the dash stands
 */
export function itemText(value: unknown, column: number, style: BlockStyle): string {
  return isFilled(value) ? `- ${blockText(value, column + 2, style)}` : `- ${inlineText(value)}`;
}

/** A collection that is not empty, as a block; its first line without the indent. */
export function blockText(value: object, column: number, style: BlockStyle): string {
  const parts = Array.isArray(value)
    ? value.map((item) => itemText(item, column, style))
    : Object.entries(value).map(([key, item]) => pairText(key, item, column, style));
  return parts.join(`\n${' '.repeat(column)}`);
}

/** Is it a map or a list with something in it, so that it can be a block? */
export function isFilled(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/** A value that needs no line of its own. */
export function inlineText(value: unknown): string {
  return typeof value === 'object' && value !== null ? flowText(value) : scalarText(value);
}
