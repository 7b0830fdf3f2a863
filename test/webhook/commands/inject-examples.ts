/** Manifests that `curfew inject` is tried on, and what is asked of its output. */
import assert from 'node:assert/strict';
import { curfew } from './test-terminal.ts';

const POD_SPEC = `restartPolicy: Never
containers:
- name: migrate # the main
  image: a
  command: [sh, -c]
  args:
  # the script
  - |
    echo on
    exit 0
- name: proxy
  image: b
  command:
    - "/proxy"   # starts first`;

export const indent = (text: string, by: number) => text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
export const template = (by: number) =>
  indent(
    `template:\n  metadata:\n    annotations: { curfew.dev/sidecars: proxy }\n  spec:\n${indent(POD_SPEC, 4)}`,
    by,
  );
export const JOB = `# a migration\napiVersion: batch/v1\nkind: Job\nmetadata: { name: migrate }\nspec:\n${template(2)}\n`;
export const POD = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations: { curfew.dev/sidecars: proxy }\nspec:\n${indent(POD_SPEC, 2)}\n`;

/** @param said what stands on standard error */
export async function inject(text: string, said = /^$/): Promise<string> {
  const { code, out, err } = await curfew(['inject', '--quiet', '-f', '-'], text);
  assert.equal(code, 0, err);
  assert.match(err, said);
  return out;
}

/** What is said of what is no pod, of a kind that is not known, or of one that is no valid pod. */
export const NO_POD =
  /^$|^warning: There is no pod in it|^\(standard input\): .*(: warning: left as it is|: it bears curfew)/;

/** The lines of the first text, in order, are all in the second. */
export function assertKept(before: string, after: string, except: RegExp): void {
  const left = after.split('\n');
  for (const line of before.split('\n').filter((text) => !except.test(text))) {
    const found = left.indexOf(line);
    assert.ok(found >= 0, `lost: ${JSON.stringify(line)}`);
    left.splice(0, found + 1);
  }
}
/** Lines of the examples that are replaced. */
export const REPLACED = /command:|"\/proxy"|annotations:/;
