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

/** What is indented further than so many columns is written in one line: in lines, a text would grow with the square of its depth. */
const WIDEST = 200;

/** Text that is written, or a value that is still to be written at a column or after an indent. */
type Piece<Place> = string | { value: object; at: Place };

/**
 * Write a value without calling itself: it may be deeper than Node's stack.
 * @param partsOf what one collection is written as, in its order
 */
function write<Place>(first: Piece<Place>, partsOf: (value: object, at: Place) => Piece<Place>[]): string {
  const left = [first];
  let text = '';
  for (let piece = left.pop(); piece !== undefined; piece = left.pop())
    if (typeof piece === 'string') text += piece;
    else for (const part of partsOf(piece.value, piece.at).reverse()) left.push(part);
  return text;
}

/**
 * A value as a flow collection: JSON, which is YAML too.
 * @param indent the columns before the line on which it begins
 * @param step one level more; empty: all in one line
 */
export function flowText(value: unknown, indent = '', step = ''): string {
  return write(flowPiece(value, indent), (collection, outer) => {
    const [open, close] = Array.isArray(collection) ? (['[', ']'] as const) : (['{', '}'] as const);
    if (!isFilled(collection)) return [open + close];
    const isInLine = step === '' || outer.length > WIDEST;
    const inner = isInLine ? outer : outer + step;
    const [first, next, last] = isInLine ? ['', ', ', ''] : [`\n${inner}`, `,\n${inner}`, `\n${outer}`];
    const pieces: Piece<string>[] = [];
    for (const [key, item] of Object.entries(collection)) {
      const name = Array.isArray(collection) ? '' : `${jsonText(key)}: `;
      pieces.push((pieces.length === 0 ? open + first : next) + name, flowPiece(item, inner));
    }
    return [...pieces, last + close];
  });
}

function flowPiece(value: unknown, at: string): Piece<string> {
  return typeof value === 'object' && value !== null ? { value, at } : jsonText(value);
}

/** A pair of a block map: its lines, the first one without its indent, the last one without its end. @param column where the key stands */
export function pairText(key: string, value: unknown, column: number, style: BlockStyle): string {
  return blockText({ [key]: value }, column, style);
}

/** The lines below a key, indented. */
export function valueText(value: object, column: number, style: BlockStyle): string {
  const inner = innerColumn(value, column, style);
  return `${' '.repeat(inner)}${blockText(value, inner, style)}`;
}

/** An item of a block list, with its dash. @param column where the dash stands */
export function itemText(value: unknown, column: number, style: BlockStyle): string {
  return blockText([value], column, style);
}

/** A collection that is not empty, as a block; its first line without the indent. */
export function blockText(value: object, column: number, style: BlockStyle): string {
  return write({ value, at: column }, (collection, at) => {
    const pieces: Piece<number>[] = [];
    const isList = Array.isArray(collection);
    for (const [key, item] of Object.entries(collection)) {
      const before =
        (pieces.length === 0 ? '' : `\n${' '.repeat(at)}`) + (isList ? '-' : `${scalarText(key)}:`);
      if (!isFilled(item) || at > WIDEST) pieces.push(`${before} ${inlineText(item)}`);
      else if (isList) pieces.push(`${before} `, { value: item, at: at + 2 });
      else {
        const inner = innerColumn(item, at, style);
        pieces.push(`${before}\n${' '.repeat(inner)}`, { value: item, at: inner });
      }
    }
    return pieces;
  });
}

/** Where what stands below a key begins. */
function innerColumn(value: object, column: number, style: BlockStyle): number {
  return column + (Array.isArray(value) ? style.dash : style.step);
}

/** Is it a map or a list with something in it, so that it can be a block? */
export function isFilled(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/** A value in one line. */
export function inlineText(value: unknown): string {
  return typeof value === 'object' && value !== null ? flowText(value) : scalarText(value);
}
