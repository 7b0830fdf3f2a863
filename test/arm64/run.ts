/**
 * `npm run test:arm64`: the shim's own process tests (test/shim/process-*.test.ts) on an arm64 kernel, in a virtual machine that this machine
 * emulates. What `npm test` runs of the arm64 shim runs on this machine's kernel.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { cacheFolder } from '../../charts/clients.ts';

const HELP = `usage: npm run test:arm64 [-- [OPTION...] [NAME...]]

Boots Debian's arm64 kernel in QEMU, emulated, and runs the shim's process tests there, with the arm64 shim of dist/ and Node
for arm64 from npm. Needs root, and the Debian packages of \`test/setup arm64\`.

With NAME..., only the test files that have one of them in their names. Options go to node --test.

Environment:
  CURFEW_DIST   folder with the shim (default: dist)
  CURFEW_CACHE  where the root file system and Node are kept (default: ~/.cache/curfew)
`;
const ROOT = join(import.meta.dirname, '..', '..');
const RIG = join(ROOT, 'test', 'cluster', 'rig');
/** An emulated machine is so much slower. */
const SLOWNESS = 15;
const TEST_TIMEOUT = 120_000;
/** The last words of `init`. */
const ENDED = /^arm64: the tests ended with (\d+),/;

/** How the folders of all runs are called; the run's process id follows. */
const PREFIX = 'curfew-arm64-';

const run = promisify(execFile);
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  if (process.getuid?.() !== 0) {
    console.error('test:arm64: needs root, because the root file system of a machine belongs to root');
    return 1;
  }
  const names = args.filter((argument) => !argument.startsWith('-'));
  const files = globSync('test/shim/process-*.test.ts', { cwd: ROOT })
    .filter((file) => names.length === 0 || names.some((name) => basename(file).includes(name)))
    .sort();
  if (files.length === 0) {
    console.error(`test:arm64: no test file test/shim/process-*.test.ts matches ${names.join(' ')}`);
    return 2;
  }
  const image = await printed('vm-image', 'tests');
  const node = await printed('node-program', 'arm64');
  sweep();
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  try {
    const options = args.filter((argument) => argument.startsWith('-'));
    const seed = makeSeed(folder, node, [
      '--test',
      '--test-reporter=spec',
      // A test file mostly waits.
      '--test-concurrency=2',
      `--test-timeout=${TEST_TIMEOUT * SLOWNESS}`,
      ...options,
      ...files,
    ]);
    execFileSync('cp', [
      '--sparse=always',
      '--reflink=auto',
      join(image, 'root.img'),
      join(folder, 'root.img'),
    ]);
    return await boot(image, join(folder, 'root.img'), seed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Take away the disks of runs that were killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** What a program of the rig prints. Its other words go to the terminal. */
async function printed(program: string, argument: string): Promise<string> {
  const env = { ...process.env, CURFEW_CACHE: cacheFolder() };
  const { stdout, stderr } = await run(join(RIG, program), [argument], { env });
  process.stderr.write(stderr);
  return stdout.trim();
}

/** The second disk: `init`, Node, the project as far as the tests need it, and what is to be run. @returns its file */
function makeSeed(folder: string, node: string, tests: string[]): string {
  const seed = join(folder, 'seed');
  const project = join(seed, 'project');
  mkdirSync(join(seed, 'bin'), { recursive: true });
  cpSync(join(import.meta.dirname, 'init'), join(seed, 'init'));
  cpSync(join(node, 'bin', 'node'), join(seed, 'bin', 'node'));
  for (const part of ['shim', 'test/shim', 'package.json', 'webhook/shared'])
    cpSync(join(ROOT, part), join(project, part), { recursive: true });
  const dist = process.env.CURFEW_DIST ?? join(ROOT, 'dist');
  mkdirSync(join(project, 'dist'));
  cpSync(join(dist, 'curfew-shim-arm64'), join(project, 'dist', 'curfew-shim-arm64'));
  const words = tests.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  writeFileSync(join(seed, 'settings'), `export CURFEW_SLOWNESS=${SLOWNESS}\nTESTS=(${words})\n`);
  chmodSync(join(seed, 'init'), 0o755);
  const file = join(folder, 'seed.img');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-d', seed, file, '512M']);
  return file;
}

/** Boot it, and print what it prints. @returns the tests' exit code; 1 where the machine ended without one */
async function boot(image: string, root: string, seed: string): Promise<number> {
  const disk = (file: string, more: string) => ['-drive', `file=${file},format=raw,if=virtio,${more}`];
  const machine = spawn(
    'setpriv',
    [
      // It goes with this program, however that ends.
      ...['--pdeathsig', 'KILL', 'qemu-system-aarch64', '-nodefaults', '-no-user-config', '-no-reboot'],
      ...['-display', 'none', '-machine', 'virt', '-accel', 'tcg,thread=multi'],
      ...['-cpu', 'max,pauth-impdef=on', '-smp', '1', '-m', '2G'],
      ...['-kernel', join(image, 'kernel'), '-initrd', join(image, 'initrd')],
      ...['-append', 'console=ttyAMA0 loglevel=3 panic=-1 mitigations=off', '-serial', 'stdio'],
      ...['-device', 'virtio-rng-pci', ...disk(root, 'cache=unsafe'), ...disk(seed, 'readonly=on')],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => machine.kill());
  let code: number | undefined;
  createInterface({ input: machine.stdout }).on('line', (line) => {
    const ended = ENDED.exec(line.trimEnd())?.[1];
    if (ended !== undefined) code = Number(ended);
    console.log(line.trimEnd());
  });
  await once(machine, 'close');
  if (code === undefined)
    console.error('test:arm64: the machine ended before its tests; its last words are above');
  return code ?? 1;
}
