/** Classes of characters, as kubectl's YAML reader (libyaml, YAML 1.1) has them. */

export const TAB = 9;
export const SPACE = 32;
export const HASH = 35;

/** Ends a line: LF, CR, NEL, LS or PS. */
export function isBreak(code: number): boolean {
  return code === 10 || code === 13 || code === 0x85 || code === 0x2028 || code === 0x2029;
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** A blank, a line's end, or the text's (NaN). */
export function isBlankOrEnd(code: number): boolean {
  return isBlank(code) || isBreak(code) || Number.isNaN(code);
}

/** `,` `[` `]` `{` `}`: these end a plain scalar within braces and brackets. */
export function isFlowIndicator(code: number): boolean {
  return code === 44 || code === 91 || code === 93 || code === 123 || code === 125;
}

/** One line's end. */
export const LINE_END = /\r\n|[\n\r\u0085\u2028\u2029]/;
