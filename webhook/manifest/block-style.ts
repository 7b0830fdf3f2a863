/**
 * How a document writes its blocks, so that what is added looks like what is there.
 */
import { type Document, isMap, isPair, isSeq, visit } from 'yaml';
import { dashesOf, type Lines, rangeOf } from './lines.ts';
import type { BlockStyle } from './text.ts';

/** How a document writes its blocks: by its first map within a map, and its first list within one. */
export function blockStyle(document: Document.Parsed, lines: Lines): BlockStyle {
  let step: number | undefined;
  let dash: number | undefined;
  visit(document, {
    Pair: (_key, pair) => {
      const { value } = pair;
      if (!(isMap(value) || isSeq(value)) || value.flow === true) return undefined;
      const column = lines.column(rangeOf(pair.key)[0]);
      const [first] = value.items;
      if (isSeq(value)) dash ??= lines.column(dashesOf(value)[0] ?? 0) - column;
      else if (isPair(first)) step ??= lines.column(rangeOf(first.key)[0]) - column;
      return step !== undefined && dash !== undefined ? visit.BREAK : undefined;
    },
  });
  return { step: clamp(step, 1), dash: clamp(dash, 0) };
}

function clamp(columns: number | undefined, least: number): number {
  return columns === undefined || columns < least || columns > 8 ? 2 : columns;
}
