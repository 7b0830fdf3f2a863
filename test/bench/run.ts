/** `npm run bench`: every figure that Curfew promises, each beside its yardstick of the same run. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { auditLarge } from './audit.ts';
import type { Bench, Workshop } from './bench.ts';
import { figureOf, formatTable, type Measured } from './figure.ts';
import { images } from './images.ts';
import { inject } from './inject.ts';
import { instrument } from './instruments.ts';
import { shimEnd, shimKilled } from './shim-end.ts';
import { shimSize } from './shim-size.ts';
import { shimStart } from './shim-start.ts';
import { shimResident, shimWakeUps } from './shim-waiting.ts';
import { webhookLoad, webhookStart } from './webhook.ts';

const BENCHES: readonly Bench[] = [
  shimSize,
  shimStart,
  shimResident,
  shimWakeUps,
  shimEnd,
  shimKilled,
  webhookLoad,
  webhookStart,
  images,
  inject,
  auditLarge,
];

const HELP = `npm run bench [-- [--json] [--only NAME]...]

Measures Curfew beside its yardsticks and prints a table; exits with 1 when a limit is missed.

  --json        print JSON only: an array of {name, value, unit, yardstick, ratio, limit, ok}
                (npm puts two lines of its own before it; "npm run --silent bench -- --json" does not)
  --only NAME   only these rows; may be given several times
  --help

Names
${BENCHES.map(({ name, about }) => `  ${name.padEnd(12)}  ${about}`).join('\n')}

The rendezvous lies in a folder of TMPDIR (${tmpdir()}), which should be on the disk that pods have their emptyDirs on.
What else the machine does falls on the figures: the yardsticks tell how much.
`;

function usage(message: string): never {
  process.stderr.write(`test/bench/run.ts: ${message}\n\n${HELP}`);
  process.exit(2);
}

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

const options = parseOptions();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const unknown = options.only.find((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown !== undefined) usage(`no benchmark has the name ${JSON.stringify(unknown)}`);
const chosen = BENCHES.filter(({ name }) => options.only.length === 0 || options.only.includes(name));

const root = fileURLToPath(new URL('../..', import.meta.url));
const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
const scratch = mkdtempSync(join(tmpdir(), 'curfew-bench-'));
const workshop: Workshop = {
  root,
  scratch,
  shim: join(root, 'dist', `curfew-shim-${arch}`),
  tini: '/usr/bin/tini-static',
  execTimer: instrument(root, 'exec-timer'),
  witness: instrument(root, 'witness'),
  progress: (text) => process.stderr.write(`bench: ${text}\n`),
};
for (const path of [workshop.shim, workshop.tini]) {
  if (!existsSync(path)) usage(`${path} is not there: run test/setup bench first, as npm run bench does`);
}

try {
  const results = new Map<Bench, Promise<Measured[]>>();
  for (const bench of chosen) if (bench.aside) results.set(bench, bench.measure(workshop));
  for (const bench of chosen) {
    if (bench.aside) continue;
    workshop.progress(bench.name);
    const measured = bench.measure(workshop);
    results.set(bench, measured);
    await measured;
  }
  if (chosen.some(({ aside }) => aside)) workshop.progress('waiting for those that only watch');
  const rows: { measured: Measured; figure: ReturnType<typeof figureOf> }[] = [];
  for (const bench of chosen) {
    for (const measured of (await results.get(bench)) ?? [])
      rows.push({ measured, figure: figureOf(measured) });
  }
  const figures = rows.map(({ figure }) => figure);
  console.log(options.json ? JSON.stringify(figures, null, 2) : formatTable(rows));
  process.exitCode = figures.every(({ ok }) => ok) ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
