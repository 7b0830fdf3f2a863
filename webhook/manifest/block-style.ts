/** How a document writes its blocks, so that what is added looks like what is there. */
import type { BlockStyle } from './text.ts';
import { type Collection, isCollection, type Node } from './tree.ts';

/** By its first block map within one, and its first block list within a map. */
export function blockStyle(root: Node): BlockStyle {
  let step: number | undefined;
  let dash: number | undefined;
  const look = (node: Collection): void => {
    for (const { value } of node.entries) {
      if (!isCollection(value) || value.flow) continue;
      const columns = value.column - node.column;
      if (node.kind === 'map' && value.kind === 'map') step ??= columns;
      if (node.kind === 'map' && value.kind === 'list') dash ??= columns;
      if (step !== undefined && dash !== undefined) return;
      look(value);
    }
  };
  if (isCollection(root) && !root.flow) look(root);
  return { step: usual(step), dash: usual(dash, 0) };
}

function usual(columns: number | undefined, least = 1): number {
  return columns === undefined || columns < least || columns > 8 ? 2 : columns;
}
