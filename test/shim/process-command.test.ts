/** Rules P1 and P2 on real processes: the command runs as if there were no shim, and its end is the container's. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { report } from './actor.ts';
import { ACTOR, NAMESPACE, Pod } from './pod.ts';

const hex = (...texts: (string | Buffer)[]) => texts.map((text) => Buffer.from(text).toString('hex'));

test('P1 the command is found through PATH, past what cannot be executed', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'Always' });
  for (const folder of ['first', 'second', 'third', 'fourth']) mkdirSync(`${pod.folder}/${folder}`);
  mkdirSync(`${pod.folder}/first/tool`);
  writeFileSync(`${pod.folder}/second/tool`, 'no program', { mode: 0o644 });
  for (const [folder, code] of [
    ['third', 3],
    ['fourth', 4],
  ] as const)
    writeFileSync(`${pod.folder}/${folder}/tool`, `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
  const PATH = ['missing', 'first', 'second', 'third', 'fourth']
    .map((name) => `${pod.folder}/${name}`)
    .join(':');
  assert.equal(await pod.start('m', ['tool'], { inside: [], env: { PATH } }).code(), 3);
  // An empty element is the working directory.
  const here = pod.start('m', ['tool'], {
    inside: [],
    env: { PATH: `${pod.folder}/missing:` },
    cwd: `${pod.folder}/fourth`,
  });
  assert.equal(await here.code(), 4);
});

test('P1 without PATH the runtimes own default is searched', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', ['sh', '-c', 'exit 7'], {
    env: {},
    inside: ['/usr/bin/unshare', ...NAMESPACE.slice(1)],
  });
  assert.equal(await main.code(), 7);
});

test('P1 P3 the child has this user, folder, umask, limits, open files, default signals and a group of its own', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const inside = [
    'prlimit', '--nofile=123', 'setpriv', '--reuid=1234', '--regid=2345', '--groups=3456,4567',
    'sh', '-c', 'umask 027 && exec "$@"', '-', ACTOR, 'ignoring',
  ]; // biome-ignore format: words
  const main = pod.start('m', [ACTOR, 'report'], { inside, cwd: pod.bin });
  assert.equal(await main.code(), 0, main.words);
  const seen = report(main);
  assert.deepEqual(
    {
      uid: seen.uid,
      gid: seen.gid,
      groups: seen.groups,
      umask: seen.umask,
      cwd: seen.cwd,
      nofile: seen.nofile,
    },
    { uid: 1234, gid: 2345, groups: [3456, 4567], umask: 0o027, cwd: pod.bin, nofile: 123 },
  );
  const bare = pod.begin('bare', [ACTOR, 'report']);
  await bare.code();
  assert.deepEqual(seen.fds, report(bare).fds, 'nothing of the shim is open in the child');
  assert.equal(seen.blocked, '0', 'no signal is blocked');
  assert.deepEqual(seen.notDefault, [], 'no signal is ignored');
  assert.equal(seen.group, seen.pid);
});

test('P1 environment and arguments arrive byte for byte', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', [ACTOR, 'report', 'a b', '$(X)', '-'], { inside: [ACTOR, 'raw'] });
  assert.equal(await main.code(), 0, main.words);
  const bytes = Buffer.from([0xff, 0xfe, 0x80]);
  const seen = report(main);
  assert.deepEqual(seen.env, [
    ...hex('PATH=/usr/bin:/bin', Buffer.concat([Buffer.from('BYTES='), bytes])),
    ...hex('EMPTY=', 'NOEQUALS', 'TWICE=1', 'TWICE=2', '=odd'),
  ]);
  const broken = Buffer.concat([Buffer.from('$(HOME) '), Buffer.from([0xc3, 0x28])]);
  assert.deepEqual(seen.argv, hex('a b', '$(X)', '-', bytes, '', broken));
});

test('P1 a command of 4,000 words and 1 MB arrives whole', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const words = Array.from({ length: 4_000 }, (_, i) => `${i}-${'x'.repeat(250)}`);
  const main = pod.start('m', [ACTOR, 'report', ...words], { inside: [] });
  assert.equal(await main.code(), 0, main.stderr);
  assert.deepEqual(report(main).argv, hex(...words));
});

test('P1 standard input reaches the child to its last byte, and its end too', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', ['cat'], { stdin: 'pipe' });
  const text = 'line\n'.repeat(50_000);
  main.write(text);
  main.write();
  assert.equal(await main.code(), 0);
  assert.equal(main.stdout, text);
});

test('P1 what the container has closed stays closed', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const main = pod.start('m', [ACTOR, 'report'], { inside: ['sh', '-c', 'exec "$@" <&-', '-'] });
  assert.equal(await main.code(), 0, main.words);
  const { fds } = report(main);
  assert.deepEqual(fds.slice(0, 2), [1, 2], `open: ${fds}`);
});

/** Run one command after the other in each of four containers; what differs from the code that is expected. */
async function sweep(t: TestContext, runs: { command: string[]; code: number }[]): Promise<string[]> {
  const mains = ['m0', 'm1', 'm2', 'm3'];
  // Under Always no end is for good, and each start runs its command.
  const pod = new Pod(t, { mains, restartPolicy: 'Always' });
  const wrong: string[] = [];
  const lanes = mains.map(async (name, lane) => {
    for (const { command, code } of runs.filter((_, i) => i % mains.length === lane)) {
      const main = pod.start(name, command, { inside: [] });
      const seen = await main.code();
      const marked = pod.markerOf(name)?.code;
      if (seen !== code || marked !== code || main.stderr !== '')
        wrong.push(`${command.slice(1).join(' ')}: ${seen}, marker ${marked} ${main.stderr}`);
    }
  });
  await Promise.all(lanes);
  return wrong;
}

test('P2 every exit code from 0 to 255 is passed on', async (t) => {
  const codes = Array.from({ length: 256 }, (_, code) => code);
  const runs = codes.map((code) => ({ command: [ACTOR, 'exit', `${code}`], code }));
  assert.deepEqual(await sweep(t, runs), []);
});

test('P2 a death by signal n is 128+n, for every signal that kills', async (t) => {
  const harmless = [17, 18, 19, 20, 21, 22, 23, 28];
  const deadly = Array.from({ length: 64 }, (_, i) => i + 1).filter((signal) => !harmless.includes(signal));
  const runs = deadly.map((signal) => ({ command: [ACTOR, 'die', `${signal}`], code: 128 + signal }));
  assert.deepEqual(await sweep(t, runs), []);
});

test('P2 what cannot be started exits 127 or 126 with one line that names the command', async (t) => {
  const pod = new Pod(t, { mains: ['m'], restartPolicy: 'Always' });
  const file = (name: string, text: string, mode: number) => {
    writeFileSync(`${pod.folder}/${name}`, text);
    chmodSync(`${pod.folder}/${name}`, mode);
    return `${pod.folder}/${name}`;
  };
  copyFileSync(ACTOR, `${pod.folder}/secret`);
  const cases: [string, number, string][] = [
    ['nowhere', 127, 'command not found in PATH'],
    ['/nowhere/at/all', 127, 'command not found'],
    ['./nowhere', 127, 'command not found'],
    ['', 127, 'command not found'],
    [`${pod.log}/below-a-file`, 127, 'command not found'],
    [`${pod.folder}`, 126, 'cannot execute: permission denied'],
    [file('plain', '#!/bin/sh\n', 0o644), 126, 'cannot execute: permission denied'],
    [file('text', 'just words\n', 0o755), 126, 'cannot execute: exec format error'],
    [file('lost', '#!/no/such/interpreter\n', 0o755), 126, 'interpreter'],
    [file('bell\u0007', 'x', 0o644), 126, 'cannot execute'],
  ];
  for (const [command, code, why] of cases) {
    const main = pod.start('m', [command], { inside: [] });
    assert.equal(await main.code(), code, main.words);
    const lines = main.stderr.split('\n');
    assert.equal(lines.length, 2, main.stderr);
    assert.match(main.stderr, /^curfew: /);
    assert.ok(main.stderr.includes(`${JSON.stringify(command)}: `), main.stderr);
    assert.ok(main.stderr.includes(why), main.stderr);
    assert.deepEqual([pod.markerOf('m')?.phase, pod.markerOf('m')?.code], ['ended', code]);
  }
});

test('P2 a file that this user may not execute is 126', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  writeFileSync(`${pod.folder}/mine`, '#!/bin/sh\n');
  chmodSync(`${pod.folder}/mine`, 0o700);
  const inside = ['setpriv', '--reuid=1234', '--regid=1234', '--clear-groups'];
  assert.equal(await pod.start('m', [`${pod.folder}/mine`], { inside }).code(), 126);
});

test('P2 a command line that the shim cannot take exits 125 and says what was wrong', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const shim = `${pod.bin}/curfew-shim`;
  const cases: [string[], string][] = [
    [['mian'], '"mian"'],
    [['main', '--name=m', '--mains=m'], 'no "--"'],
    [['main', '--name=m', '--mains=m', '--'], 'no command'],
    [['main', '--name=x', '--mains=m', '--', 'true'], '--name=x'],
    [['main', '--name=m', '--mains=m', '--grace=soon', '--', 'true'], '--grace=soon'],
    [['main', '--name=m', '--mains=m', '--wrong=1', '--', 'true'], '--wrong=1'],
  ];
  for (const [words, why] of cases) {
    const run = pod.begin('m', [shim, ...words]);
    assert.equal(await run.code(), 125, run.words);
    assert.ok(run.stderr.startsWith('curfew: ') && run.stderr.includes(why), run.stderr);
  }
});
