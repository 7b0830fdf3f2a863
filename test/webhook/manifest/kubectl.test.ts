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
import type { Mode } from '../../../webhook/decision/mode.ts';
import { mutate } from '../../../webhook/decision/mutate.ts';
import { defaultPolicy, type Policy } from '../../../webhook/decision/policy.ts';
import { inject, type Step } from '../../../webhook/manifest/injection.ts';
import { NO_TEMPLATES } from '../../../webhook/manifest/pods.ts';
import { LAYOUTS } from './layouts.ts';

/** What each layout goes through: the shim; and native mode, in which one container or the other moves (N2). */
const WAYS: Readonly<Record<string, { mode: Mode; sidecar: string }>> = {
  shim: { mode: 'shim', sidecar: 'p' },
  'native, the first container moves': { mode: 'native', sidecar: 'p' },
  'native, the other container moves': { mode: 'native', sidecar: 'm' },
};

/** Numbers as they are written: a double would hide a difference. */
function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === 'number' ? `number ${source}` : value,
  );
}

/** What kubectl makes of each text, without a cluster. One run reads them all. */
async function readByKubectl(texts: readonly string[]): Promise<string[]> {
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
    return stdout.split(/(?<=^\})\n(?=\{)/m);
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Injected {
  name: string;
  mode: Mode;
  text: string;
  written: string;
  steps: Step[];
}

function policyOf(mode: Mode): Policy {
  return defaultPolicy({ mode, cluster: { server: 36, isOffline: true } });
}

async function injected(name: string, text: string, mode: Mode): Promise<Injected> {
  const steps: Step[] = [];
  for await (const step of inject(text, {
    policy: policyOf(mode),
    images: noLookup,
    templates: NO_TEMPLATES,
  }))
    steps.push(step);
  const written = steps.map((step) => (step.kind === 'text' ? step.text : '')).join('');
  return { name, mode, text, written, steps };
}

const cases = await Promise.all(
  Object.entries(LAYOUTS).flatMap(([layout, text]) =>
    Object.entries(WAYS).map(([way, { mode, sidecar }]) =>
      injected(`${layout}; ${way}`, text.replace(/(sidecars"?: ?"?)p\b/, `$1${sidecar}`), mode),
    ),
  ),
);
let byKubectl: string[] = [];

before(async () => {
  byKubectl = await readByKubectl(cases.flatMap(({ text, written }) => [text, written]));
  assert.equal(byKubectl.length, cases.length * 2);
});

for (const [index, { name, mode, text, written, steps }] of cases.entries()) {
  test(`W2 ${name}: what kubectl reads differs only by the patch`, () => {
    const [before = '', after = ''] = byKubectl.slice(index * 2);
    // The decision about what kubectl reads, so that nothing that only our reader sees is in the patch.
    const { outcome, operations, message } = mutate(JSON.parse(before), policyOf(mode), new Map());
    assert.equal(outcome, mode === 'shim' ? 'wrapped' : 'converted', message);
    const patch = parseExactly(JSON.stringify(operations));
    assert.ok(Array.isArray(patch));
    const { newDocument } = jsonPatch.applyPatch<unknown>(parseExactly(before), patch, true, false);
    assert.deepEqual(parseExactly(after), newDocument);
  });

  test(`W2 ${name}: its layout and its comments stay, and a second run changes nothing`, async () => {
    assert.deepEqual(
      steps.filter(({ kind }) => kind === 'rewritten'),
      [],
    );
    assert.deepEqual(commentsIn(written), commentsIn(text));
    assert.equal((await injected(name, written, mode)).written, written);
  });
}

/** Sorted: some move with their containers. */
function commentsIn(text: string): string[] {
  return (text.match(/(?<![a-z"])#(?![a-z]).*/g) ?? []).map((comment) => comment.trim()).sort();
}
