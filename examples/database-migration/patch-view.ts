/** Formats a JSON patch of a pod for people. */
import type { V1Pod } from '@kubernetes/client-node';
import type { Operation } from 'fast-json-patch';
import { Document, visit } from 'yaml';
import { bold, dim } from './timeline.ts';

/** One block for each part of the pod that the patch changes. */
export function describePatch(pod: V1Pod, operations: readonly Operation[]): string {
  return operations.map((operation) => describe(pod, operation)).join('\n');
}

function describe(pod: V1Pod, operation: Operation): string {
  const value = 'value' in operation ? operation.value : undefined;
  const sign = { add: '+', replace: '~', remove: '-' }[operation.op as string] ?? '?';
  const where = operation.path
    .replace(/^\/spec\//, '')
    .replace(/^containers\/(\d+)/, (_, index) => `container ${pod.spec?.containers[Number(index)]?.name}`)
    .replace(/^\/?metadata\/annotations/, 'annotation')
    .replace(/^\//, '')
    .replaceAll('/', ' ')
    .replaceAll('~1', '/')
    .replace(/ -$/, '');
  return `  ${bold(`${sign} ${where}`)}\n${lines(value)
    .map((line) => `      ${line}`)
    .join('\n')}`;
}

function lines(value: unknown): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return wrap(value);
  const parsed = typeof value === 'string' && value.startsWith('{') ? JSON.parse(value) : value;
  if (typeof parsed !== 'object' || parsed === null) return [dim(String(parsed))];
  const document = new Document(parsed);
  // Short values are on one line.
  visit(document, {
    Collection: (_, node) => {
      if (JSON.stringify(node).length < 100) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 110, flowCollectionPadding: false }).trimEnd().split('\n');
}

/** A command, wrapped between its words. */
function wrap(words: readonly string[]): string[] {
  const rows = [''];
  for (const word of words) {
    const row = rows.at(-1) ?? '';
    if (row.length + word.length > 96) rows.push(`  ${word}`);
    else rows[rows.length - 1] = row === '' ? word : `${row} ${word}`;
  }
  return rows;
}
