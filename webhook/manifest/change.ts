/** A document's text with the mutations of its pods: each way of writing it is read back before it counts. */
import { type Operation, patched, pathStep, stepsOf } from '../shared/operations.ts';
import { blockStyle } from './block-style.ts';
import { putCommand } from './command.ts';
import { Edits, UneditableError } from './edits.ts';
import type { Verdict } from './judge.ts';
import { readTree } from './reader.ts';
import { YamlError } from './scanner.ts';
import { applySplices } from './splice.ts';
import { splicesOf } from './splices.ts';
import type { Document } from './stream.ts';
import { blockText, flowText } from './text.ts';
import { isCollection } from './tree.ts';
import { isSame, Values } from './value.ts';

/**
 * The document's new text.
 * @param start where its value begins in the whole text
 * @param end where it ends, with the comments after it
 * @returns rewritten: nothing but the values and the comments could be kept
 */
export function changedText(
  text: string,
  start: number,
  end: number,
  document: Document,
  verdicts: readonly Verdict[],
): { text: string; rewritten: boolean } {
  const operations = verdicts.flatMap(operationsOf);
  const spliced = splicedText(text, start, end, document, operations);
  const wanted = patched(document.value, operations);
  const column = start - (text.lastIndexOf('\n', start - 1) + 1);
  if (spliced !== undefined && saysThis(spliced, wanted, column)) return { text: spliced, rewritten: false };
  return { text: rewrittenText(text, document, wanted), rewritten: true };
}

/** A pod's operations as operations on its document. */
function operationsOf({ pod, mutation }: Verdict): Operation[] {
  const prefix = pod.path.map((step) => `/${pathStep(String(step))}`).join('');
  return mutation.operations.map((operation) => {
    const path = prefix + operation.path;
    return operation.op === 'move'
      ? { ...operation, path, from: prefix + operation.from }
      : { ...operation, path };
  });
}

function splicedText(
  text: string,
  start: number,
  end: number,
  { tree }: Document,
  operations: readonly Operation[],
): string | undefined {
  const edits = new Edits(text, tree);
  try {
    const byPath = new Map(operations.map((operation) => [operation.path, operation]));
    const done = new Set<Operation>();
    for (const operation of operations) {
      if (done.has(operation)) continue;
      const args = COMMAND.test(operation.path)
        ? byPath.get(operation.path.replace(/command$/, 'args'))
        : undefined;
      if (isWriting(operation) && args !== undefined && isWriting(args) && Array.isArray(args.value)) {
        const place = edits.reach(containerPath(operation));
        if ('node' in place && putCommand(edits, place.node, operation.value, args.value)) {
          done.add(args);
          continue;
        }
      }
      edits.apply(operation);
    }
    const eol = /\r\n|[\n\r]/.exec(text.slice(tree.root.start, end))?.[0] ?? '\n';
    return applySplices(text, start, end, splicesOf(edits, blockStyle(tree.root), eol));
  } catch (error) {
    if (error instanceof UneditableError) return undefined;
    throw error;
  }
}

const COMMAND = /\/containers\/\d+\/command$/;

function isWriting(operation: Operation): operation is Extract<Operation, { op: 'add' | 'replace' }> {
  return operation.op === 'add' || operation.op === 'replace';
}

function containerPath({ path }: Operation): string[] {
  return stepsOf(path).slice(0, -1);
}

function saysThis(text: string, wanted: unknown, column: number): boolean {
  try {
    const tree = readTree(text, 0, text.length, -column);
    return tree.end === text.length && isSame(new Values(text).of(tree.root), wanted);
  } catch (error) {
    if (error instanceof YamlError) return false;
    throw error;
  }
}

function rewrittenText(text: string, { tree }: Document, value: unknown): string {
  const { root, comments } = tree;
  const isJson = isCollection(root) && root.flow;
  const said =
    isJson || typeof value !== 'object' || value === null
      ? flowText(value, '', isJson ? '  ' : '')
      : blockText(value, 0, { step: 2, dash: 0 });
  const heads = comments.filter(({ from }) => from >= root.start).map(({ from, to }) => text.slice(from, to));
  return `${[...heads, said].join('\n')}\n`;
}
