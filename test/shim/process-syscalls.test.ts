/**
 * Rule L17 on real processes: each system call that the shim makes is refused by a filter, as a seccomp profile does, with EPERM and with
 * ENOSYS, in nine lives. The command runs and keeps its code, or the shim says why not and ends; nobody is waited for in vain.
 *
 * CURFEW_SYSCALLS=print prints the table of docs/verification.md.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildProgram } from './actor.ts';
import { KILL } from './container.ts';
import { until } from './patience.ts';
import { type Ending, LIVES, type Life } from './refused-lives.ts';

const REFUSE = buildProgram(fileURLToPath(new URL('refuse.c', import.meta.url)));
const ERRORS = { EPERM: 1, ENOSYS: 38 };
/** No real filter refuses these: no program runs without them, and without them the shim cannot so much as begin, wait, or end. */
const NEEDED = [
  'arch_prctl',
  'brk',
  'clock_gettime',
  'close',
  'execve',
  'exit_group',
  'mmap',
  'munmap',
  'read',
  'rt_sigprocmask',
  'wait4',
  // With which programs open files there; on amd64 that is `open`, which the shim can do without.
  ...(process.arch === 'arm64' ? ['openat'] : []),
];
const AT_ONCE = 4;

/** Which calls the shim makes in all these lives, by tracing it. */
async function callsMade(t: TestContext): Promise<string[]> {
  const folder = mkdtempSync(`${tmpdir()}/curfew-calls-`);
  t.after(() => rmSync(folder, { recursive: true }));
  const made = new Set<string>();
  for (const [i, { name, play }] of LIVES.entries()) {
    // As process 1 the shim would be the tracer's parent too.
    if (name.includes('process 1')) continue;
    const list = `${folder}/${i}`;
    await play(t, [REFUSE, '--list', list]);
    const lines = () => (existsSync(list) ? readFileSync(list, 'utf8').split('\n') : []);
    await until('the list', () => lines().includes('end') || undefined);
    for (const line of lines().slice(0, -2)) made.add(line);
  }
  return [...made].sort();
}

/** What is wrong with an ending; undefined: nothing. */
function wrongWith({ code, said, other }: Ending, life: Life): string | undefined {
  const kept = code === life.code && other === life.other;
  if (kept) return undefined;
  // A readiness condition that cannot be tried: after 10 s its sidecar says so, and who gave up before has said for what it waited.
  if (code === life.code && other === 124) return undefined;
  const told = /^curfew: \S/m.test(said);
  if (!told) return `${code}, without a word of why`;
  // An end by the shim's own failure, or a command that could not be started.
  if (
    ![124, 125, 126, 128 + KILL].includes(code) &&
    code !== life.code &&
    !(life.name === 'restart' && code === 0)
  )
    return `${code}: ${said}`;
  return undefined;
}

const cells = new Map<string, Map<string, string[]>>();
let calls: string[] = [];

test('L17 every system call that the shim makes is known by its name', async (t) => {
  calls = await callsMade(t);
  const unnamed = calls.filter((call) => call.startsWith('#'));
  assert.deepEqual(unnamed, [], 'test/shim/refuse.c knows their names');
});

for (const life of LIVES) {
  test(`L17 whatever system call is refused, the command keeps its code or the shim says why not, and nobody waits: ${life.name}`, async () => {
    const runs = calls
      .filter((call) => !NEEDED.includes(call))
      .flatMap((call) => Object.entries(ERRORS).map(([error, number]) => ({ call, error, number })));
    const wrong: string[] = [];
    const next = async (): Promise<void> => {
      for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
        const { call, error, number } = run;
        const { cell, what } = await refused(life, [REFUSE, call, `${number}`]);
        if (what !== undefined) wrong.push(`${call} ${error}: ${what}`);
        const row = cells.get(call) ?? new Map<string, string[]>();
        cells.set(call, row.set(life.name, [...(row.get(life.name) ?? []), cell]));
      }
    };
    assert.ok(runs.length > 0);
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    assert.deepEqual(wrong, []);
  });
}

if (process.env.CURFEW_SYSCALLS === 'print') after(() => printTable());

/** One life under a filter: a cell of the table, and what is wrong with it, if anything is. */
async function refused(life: Life, before: readonly string[]): Promise<{ cell: string; what?: string }> {
  const ends: (() => Promise<void>)[] = [];
  try {
    const ending = await life.play({ after: (end: () => Promise<void>) => ends.push(end) }, before);
    const what = wrongWith(ending, life);
    const { code, other } = ending;
    const cell =
      code === life.code && other === life.other
        ? 'runs'
        : other === undefined
          ? `${code}`
          : `${code}/${other}`;
    return what === undefined ? { cell } : { cell, what };
  } catch (problem) {
    return { cell: 'hangs', what: problem instanceof Error ? problem.message : String(problem) };
  } finally {
    for (const end of ends) await end();
  }
}

function printTable(): void {
  console.log(`| refused | ${LIVES.map(({ name }) => name).join(' | ')} |`);
  console.log(`|---|${LIVES.map(() => '---').join('|')}|`);
  const all: string[] = [];
  for (const [call, row] of [...cells].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const words = LIVES.map(({ name }) => [...new Set(row.get(name))].sort().join(', '));
    if (words.every((word) => word === 'runs')) all.push(`\`${call}\``);
    else console.log(`| \`${call}\` | ${words.join(' | ')} |`);
  }
  console.log(`\nThe command runs and keeps its code in all nine without: ${all.join(', ')}.`);
}
