/** How a flow collection is written, so that what is added looks like what is there. */
import { indentOf, lineStart } from './lines.ts';
import type { Collection } from './tree.ts';

/**
 * How its entries follow each other: on one line, or each on its own as in pretty-printed JSON.
 * @returns gap: what stands between two entries after the comma. step: one level more than `indent`; empty on one line
 */
export function flowStyle(
  text: string,
  node: Collection,
  eol: string,
): { gap: string; indent: string; step: string } {
  const first = node.entries[0]?.from ?? node.from;
  if (lineStart(text, first) === lineStart(text, node.from)) return { gap: ' ', indent: '', step: '' };
  const indent = indentOf(text, first);
  return { gap: eol + indent, indent, step: indent.slice(indentOf(text, node.from).length) || ' ' };
}

/** A key: in quotes where the first one is, as in JSON. */
export function flowKey(text: string, node: Collection, key: string): string {
  const first = node.entries[0]?.key;
  const isJson = first === undefined || text[first.from] === '"';
  return isJson || !/^[a-zA-Z]+$/.test(key) ? JSON.stringify(key) : key;
}
