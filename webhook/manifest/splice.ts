/** Changes of a text. */
import { UneditableError } from './edits.ts';

/** Put `text` in the place of what stands from `from` to `to`. */
export interface Splice {
  from: number;
  to: number;
  text: string;
}

/** Apply splices that do not overlap; those at one place in their order. */
export function applySplices(text: string, from: number, to: number, splices: readonly Splice[]): string {
  let written = '';
  let at = from;
  for (const splice of splices.toSorted((left, right) => left.from - right.from)) {
    if (splice.from < at || splice.to > to) throw new UneditableError('two changes overlap');
    written += text.slice(at, splice.from) + splice.text;
    at = splice.to;
  }
  return written + text.slice(at, to);
}
