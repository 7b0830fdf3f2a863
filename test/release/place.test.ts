/** What a release may replace, and what is left of one that was stopped. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sumsOf, writeSums } from '../../release/archive.ts';
import { keep } from '../../release/build.ts';
import { checkReplaceable, put, workFolder } from '../../release/place.ts';

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-place-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function release(folder: string, content: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const names = ['curfew-1.2.3.provenance.json', 'curfew.yaml'];
  for (const name of names) writeFileSync(join(folder, name), content);
  writeSums(join(folder, 'SHA256SUMS'), await sumsOf(folder, names));
}

test('an older release is replaced, and nothing else: not somebody’s folder of downloads with checksums of its own', async (t) => {
  const folder = emptyFolder(t);
  checkReplaceable(join(folder, 'new'));
  checkReplaceable(folder);
  writeFileSync(join(folder, 'thesis.tex'), '');
  assert.throws(
    () => checkReplaceable(folder),
    /holds something else than a release, .*: it has no SHA256SUMS/,
  );
  assert.throws(() => checkReplaceable(join(folder, 'thesis.tex')), /thesis\.tex is no folder/);
  writeSums(join(folder, 'SHA256SUMS'), await sumsOf(folder, ['thesis.tex']));
  assert.throws(() => checkReplaceable(folder), /something else .*provenance\.json/);
  await release(folder, 'one');
  assert.throws(
    () => checkReplaceable(folder),
    /something else than a release, which would be lost: thesis\.tex/,
  );
  rmSync(join(folder, 'thesis.tex'));
  checkReplaceable(folder);
  for (const name of ['SHA256SUMS.sig', 'cosign.pub']) writeFileSync(join(folder, name), '');
  checkReplaceable(folder);
});

test('a release takes the place of the older one as a whole, and leaves nothing beside it', async (t) => {
  const folder = emptyFolder(t);
  const out = join(folder, 'deep', 'release');
  await release(join(folder, 'made'), 'one');
  put(join(folder, 'made'), out);
  await release(join(folder, 'made'), 'two');
  writeFileSync(join(out, 'of-the-older-one'), '');
  put(join(folder, 'made'), out);
  assert.deepEqual(readdirSync(out), readdirSync(join(folder, 'made')));
  assert.equal(readFileSync(join(out, 'curfew.yaml'), 'utf8'), 'two');
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['release']);
  assert.throws(() => put(join(folder, 'nothing'), out), /nothing/);
  assert.equal(readFileSync(join(out, 'curfew.yaml'), 'utf8'), 'two');
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['release']);
});

test('two releases at a time unpack the same into one cache: the first stays', (t) => {
  const cache = emptyFolder(t);
  const unpacked = ['one', 'two'].map((name) => {
    mkdirSync(join(cache, name));
    writeFileSync(join(cache, name, 'file'), name);
    return join(cache, name);
  });
  for (const folder of unpacked) keep(folder, join(cache, 'kept'));
  assert.equal(readFileSync(join(cache, 'kept', 'file'), 'utf8'), 'one');
  assert.throws(() => keep(join(cache, 'nothing'), join(cache, 'other')), /ENOENT/);
});

test('what a killed release left is taken away a day later, and what is being made stays', (t) => {
  const parent = join(emptyFolder(t), 'parts');
  const [old, young] = [workFolder(parent), workFolder(parent)];
  mkdirSync(join(parent, 'cosign-1'));
  const dayAgo = Date.now() / 1000 - 25 * 3600;
  for (const path of [old, join(parent, 'cosign-1')]) utimesSync(path, dayAgo, dayAgo);
  const mine = workFolder(parent);
  assert.ok(!existsSync(old));
  for (const path of [young, mine, join(parent, 'cosign-1')]) assert.ok(existsSync(path), path);
});

/** A check that a signal ends: `sleep` fails, and what it says of the release is nothing. */
const CHECK = `
  import { attempt, hearSignals, ReleaseError, toEnd } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'release', 'program.ts'))};
  await toEnd('program', async () => {
    console.log('begun');
    try {
      if (attempt('sleep', ['60']).status !== 0) throw new ReleaseError('the signature does not hold');
    } catch (error) {
      await hearSignals();
      throw error;
    }
    return 0;
  });
`;

test('a check whose program control-C has ended is interrupted, and finds nothing wrong', async (t) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', CHECK], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  assert.ok(pid !== undefined);
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child.stdout, 'data');
  // Until sleep runs.
  const children = `/proc/${pid}/task/${pid}/children`;
  while (readFileSync(children, 'utf8').trim() === '')
    await new Promise((resolve) => setTimeout(resolve, 10));
  process.kill(-pid, 'SIGINT');
  const [code] = await once(child, 'close');
  assert.deepEqual([code, said], [1, 'program: interrupted\n']);
});

/** A program of the release that makes a folder, runs `sleep`, and takes the folder away. */
const PROGRAM = (folder: string) => `
  import { mkdirSync, rmSync } from 'node:fs';
  import { run, toEnd } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'release', 'program.ts'))};
  await toEnd('program', async () => {
    mkdirSync(${JSON.stringify(folder)});
    try {
      console.log('begun');
      for (let turn = 0; turn < 600; turn++) {
        run('sleep', ['0.1']);
        await new Promise(setImmediate);
      }
      return 0;
    } finally {
      rmSync(${JSON.stringify(folder)}, { recursive: true });
    }
  });
`;

for (const [how, signal, group] of [
  ['control-C, which the program that runs gets too', 'SIGINT', true],
  ['a signal to the release alone', 'SIGTERM', false],
] as const)
  test(`a release that is stopped takes away what it had begun: ${how}`, async (t) => {
    const folder = join(emptyFolder(t), 'begun');
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM(folder)], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await once(child.stdout, 'data');
    assert.ok(child.pid !== undefined);
    process.kill(group ? -child.pid : child.pid, signal);
    const [code] = await once(child, 'close');
    assert.equal(code, 1, said);
    assert.match(said, /^program: (?:interrupted|sleep 0\.1: SIGINT)/);
    assert.ok(!existsSync(folder));
  });
