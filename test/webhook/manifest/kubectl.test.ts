/** What kubectl reads of a pod before and after `inject`: the differences are Curfew's own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import jsonPatch from 'fast-json-patch';
import { fetchClients } from '../../../charts/clients.ts';
import { noLookup } from '../../../webhook/decision/images.ts';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { inject, type Step } from '../../../webhook/manifest/injection.ts';
import { NO_TEMPLATES } from '../../../webhook/manifest/pods.ts';
import { isRecord } from '../../../webhook/shared/json.ts';
import { LAYOUTS } from './layouts.ts';

const JUDGES = { policy: defaultPolicy(), images: noLookup, templates: NO_TEMPLATES };

/** Numbers as they are written: a double would hide a difference. */
function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' ? `number ${source}` : value,
  );
}

/** What kubectl makes of each text, without a cluster. One run reads them all. */
async function readByKubectl(texts: readonly string[]): Promise<unknown[]> {
  const { kubectl } = await fetchClients();
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  try {
    const args = ['annotate', '--local', '--dry-run=client', '--output=json', 'read-by=kubectl'];
    for (const [index, text] of texts.entries()) {
      const file = join(folder, `${index}.yaml`);
      await writeFile(file, text);
      args.push('-f', file);
    }
    const { stdout } = await promisify(execFile)(kubectl, args, {
      env: { HOME: folder },
      maxBuffer: 2 ** 26,
    });
    return stdout.split(/(?<=^\})\n(?=\{)/m).map(parseExactly);
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Injected {
  name: string;
  text: string;
  written: string;
  steps: Step[];
}

async function injected(name: string, text: string): Promise<Injected> {
  const steps: Step[] = [];
  for await (const step of inject(text, JUDGES)) steps.push(step);
  const written = steps.map((step) => (step.kind === 'text' ? step.text : '')).join('');
  return { name, text, written, steps };
}

let cases: Injected[] = [];
const byKubectl = new Map<string, [before: unknown, after: unknown]>();

before(async () => {
  cases = await Promise.all(Object.entries(LAYOUTS).map(([name, text]) => injected(name, text)));
  const read = await readByKubectl(cases.flatMap(({ text, written }) => [text, written]));
  assert.equal(read.length, cases.length * 2);
  for (const [index, { name }] of cases.entries())
    byKubectl.set(name, [read[index * 2], read[index * 2 + 1]]);
});

function found(name: string): Injected {
  const one = cases.find((item) => item.name === name);
  assert.ok(one);
  return one;
}

for (const name of Object.keys(LAYOUTS)) {
  test(`W2 ${name}: what kubectl reads differs only by the patch`, () => {
    const { steps } = found(name);
    const [before, after] = byKubectl.get(name) ?? [];
    const [verdict] = steps.flatMap((step) => (step.kind === 'verdict' ? [step.verdict] : []));
    assert.equal(verdict?.mutation.outcome, 'wrapped', verdict?.mutation.message);
    const operations = parseExactly(JSON.stringify(verdict.mutation.operations));
    assert.ok(Array.isArray(operations) && isRecord(before));
    assert.deepEqual(after, jsonPatch.applyPatch(before, operations, true, false).newDocument);
  });

  test(`W2 ${name}: its layout and its comments stay, and a second run changes nothing`, async () => {
    const { text, written, steps } = found(name);
    assert.deepEqual(
      steps.filter(({ kind }) => kind === 'rewritten'),
      [],
    );
    const left = written.split('\n').map((line) => line.trim());
    for (const comment of text.match(/(?<![a-z"])#(?![a-z]).*/g) ?? [])
      assert.ok(
        left.some((line) => line.includes(comment.trim())),
        `lost: ${comment}`,
      );
    assert.equal((await injected(name, written)).written, written);
  });
}
