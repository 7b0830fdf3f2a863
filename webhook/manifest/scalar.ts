/** What a scalar of a YAML text says, as kubectl's reader (YAML 1.1 in Go) takes it. */
import { isBlank, LINE_END } from './characters.ts';
import type { Scalar } from './tree.ts';

/** A whole number that a double cannot hold is a bigint. */
export type ScalarValue = string | number | bigint | boolean | null;

const WORDS = new Map<string, ScalarValue>();
for (const [value, words] of [
  [true, 'y Y yes Yes YES true True TRUE on On ON'],
  [false, 'n N no No NO false False FALSE off Off OFF'],
  [null, ' ~ null Null NULL'],
  [Number.NaN, '.nan .NaN .NAN'],
  [Number.POSITIVE_INFINITY, '.inf .Inf .INF +.inf +.Inf +.INF'],
  [Number.NEGATIVE_INFINITY, '-.inf -.Inf -.INF'],
] as const)
  for (const word of words.split(' ')) WORDS.set(word, value);

/** `false`. */
const LONGEST_WORD = 5;
const WHOLE = /^([-+]?)(?:0([xX][0-9a-fA-F]+|[bB][01]+|[oO]?[0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 64n];

/** A plain scalar: a boolean, a number, null, or the text itself. Dates are texts. */
export function resolvePlain(text: string): ScalarValue {
  if (text.length <= LONGEST_WORD) {
    const word = WORDS.get(text);
    if (word !== undefined) return word;
  }
  const code = text.charCodeAt(0);
  const isNumeric = (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46;
  return isNumeric ? (resolveNumber(text) ?? text) : text;
}

function resolveNumber(text: string): number | bigint | undefined {
  const digits = text.startsWith('.') ? text : text.replaceAll('_', '');
  const [, sign, prefixed, decimal] = WHOLE.exec(digits) ?? [];
  if (decimal !== undefined && decimal.length < 16) return Number(`${sign}${decimal}`) + 0;
  if (prefixed !== undefined || decimal !== undefined) {
    const octal = prefixed !== undefined && /^[0-7]/.test(prefixed) ? `o${prefixed}` : prefixed;
    const magnitude = BigInt(octal === undefined ? (decimal ?? '') : `0${octal.toLowerCase()}`);
    const whole = sign === '-' ? -magnitude : magnitude;
    if (whole >= LEAST && whole < MOST) return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
  }
  // One that a double cannot hold is a text.
  return FLOAT.test(digits) && Number.isFinite(Number(digits)) ? Number(digits) : undefined;
}

/** @param text the document's text */
export function scalarValue(text: string, node: Scalar): ScalarValue {
  const { style, from, to, tag } = node;
  const said =
    style === 'plain'
      ? fold(text.slice(from, to))
      : style === 'literal' || style === 'folded'
        ? blockText(text.slice(from, to), node)
        : quotedText(text.slice(from + 1, to - 1), style === 'double');
  if (tag === undefined) return style === 'plain' ? resolvePlain(said) : said;
  if (/^(?:!!|!<tag:yaml\.org,2002:)(?:bool|int|float|null)>?$/.test(tag)) return resolvePlain(said);
  if (/^(?:!!|!<tag:yaml\.org,2002:)binary>?$/.test(tag)) return Buffer.from(said, 'base64').toString();
  return said;
}

/** Lines of a plain or quoted scalar become one; an empty line stays as a line's end. */
function fold(text: string): string {
  if (!LINE_END.test(text)) return text;
  return text.replace(
    /[ \t]*(\r\n|[\n\r\u0085\u2028\u2029])((?:[ \t]|\r\n|[\n\r\u0085\u2028\u2029])*)/g,
    (_all, first, rest) => {
      const more = breaksOf(rest);
      return isSpecial(first) ? first + more : more === '' ? ' ' : more;
    },
  );
}

function breaksOf(text: string): string {
  return text.replace(/[ \t]/g, '').replace(/\r\n|[\r\u0085]/g, '\n');
}

/** LS and PS stay what they are where others become LF. */
function isSpecial(lineEnd: string): boolean {
  return lineEnd === '\u2028' || lineEnd === '\u2029';
}

const ESCAPES: Readonly<Record<string, string>> = {
  0: '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
};

function quotedText(text: string, isDouble: boolean): string {
  if (!isDouble) return fold(text).replaceAll("''", "'");
  if (!text.includes('\\')) return fold(text);
  // A break that is escaped, what is escaped otherwise, and the text between.
  return text.replace(
    /\\(?:\r\n|[\n\r\u0085\u2028\u2029])(?:[ \t]|\r\n|[\n\r\u0085\u2028\u2029])*|\\(?:x(..)|u(.{4})|U(.{8})|(.))|[^\\]+/gsu,
    (part, x, u, long, char) => {
      const hex = x ?? u ?? long;
      if (hex !== undefined) return fromHex(hex);
      if (char !== undefined) return ESCAPES[char] ?? char;
      return part.startsWith('\\') ? breaksOf(part.replace(/^\\(?:\r\n|.)/su, '')) : fold(part);
    },
  );
}

function fromHex(digits: string): string {
  const code = Number.parseInt(digits, 16);
  return code <= 0x10_ffff ? String.fromCodePoint(code) : '\ufffd';
}

/** A line of a block scalar without its indentation, and what ends it in the value. */
interface BlockLine {
  said: string;
  end: string;
}

/**
 * kubectl puts a line end after a text that has none.
 * @param text from its `|` or `>` to the end of its last line, or of its empty lines where they are kept
 */
function blockText(text: string, { style, indent }: Scalar): string {
  const [header = '', , ...parts] = text.split(/(\r\n|[\n\r\u0085\u2028\u2029])/);
  const lines: BlockLine[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const end = parts[at + 1] ?? '';
    lines.push({ said: (parts[at] ?? '').slice(indent), end: isSpecial(end) ? end : '\n' });
  }
  const indicators = /^.[-+1-9]*/.exec(header)?.[0] ?? '';
  const last = lines.findLastIndex(({ said }) => said !== '');
  const body = lines.slice(0, last + 1);
  const content = style === 'literal' ? body.map(({ said, end }) => said + end).join('') : foldBlock(body);
  if (indicators.includes('-')) return content.slice(0, content.length - (lines[last]?.end.length ?? 0));
  return indicators.includes('+') ? content + endsOf(lines.slice(last + 1)) : content;
}

/** Lines are joined by a space but where one of them begins with a blank; n empty lines between are n line ends. */
function foldBlock(lines: readonly BlockLine[]): string {
  let text = '';
  let end = '';
  let empty: BlockLine[] = [];
  let isIndented = true;
  for (const line of lines) {
    if (line.said === '') {
      empty.push(line);
      continue;
    }
    const begins = isBlank(line.said.charCodeAt(0));
    const folds = end === '\n' && !isIndented && !begins;
    text += (!folds ? end : empty.length === 0 ? ' ' : '') + endsOf(empty) + line.said;
    end = line.end;
    empty = [];
    isIndented = begins;
  }
  return text + end;
}

function endsOf(lines: readonly BlockLine[]): string {
  return lines.map(({ end }) => end).join('');
}
