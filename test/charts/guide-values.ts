/** The blocks of docs/guides/production.md that can be passed to Helm as they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFile } from './temporary-file.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/guides/production.md'), 'utf8');

/** By the words behind `# values:`; YAML. */
export const GUIDE_VALUES: ReadonlyMap<string, string> = new Map(
  [...GUIDE.matchAll(/^( *)```yaml\n *# values: (.*?)\n(.*?)^ *```$/gms)].map(
    ([, indent = '', name = '', text = '']) => [name, text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')],
  ),
);

/** The flags that pass a block to Helm. */
export function guideValues(t: TestContext, name: string): string[] {
  const text = GUIDE_VALUES.get(name);
  if (text === undefined) throw new Error(`the guide has no values: ${name}`);
  return ['--values', temporaryFile(t, text)];
}
