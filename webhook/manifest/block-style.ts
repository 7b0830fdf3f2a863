/** How a document writes its blocks, so that what is added looks like what is there. */
import type { BlockStyle } from './text.ts';
import { type Collection, isCollection, type Node } from './tree.ts';

/** By its first block map within one, and its first block list within a map. */
export function blockStyle(root: Node): BlockStyle {
  let step: number | undefined;
  let dash: number | undefined;
  const left: { node: Node; parent?: Collection }[] = [{ node: root }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { node, parent } = next;
    if (!isCollection(node) || node.flow) continue;
    if (parent?.kind === 'map') {
      const columns = node.column - parent.column;
      if (node.kind === 'map') step ??= columns;
      else dash ??= columns;
    }
    if (step !== undefined && dash !== undefined) break;
    for (const { value } of node.entries.toReversed()) left.push({ node: value, parent: node });
  }
  return { step: usual(step), dash: usual(dash, 0) };
}

function usual(columns: number | undefined, least = 1): number {
  return columns === undefined || columns < least || columns > 8 ? 2 : columns;
}
