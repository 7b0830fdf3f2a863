import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { aJob, aNamespace, aPod, MAIN } from '../cluster/cluster-objects.ts';
import { startCluster } from './fake-cluster.ts';
import { curfew } from './test-terminal.ts';

const MAIN_FILE = join(import.meta.dirname, '..', '..', '..', 'webhook', 'main.ts');

/** What is offered for these words. */
async function offered(...words: string[]): Promise<string[]> {
  const { code, out, err } = await curfew(['__complete', '--', ...words]);
  assert.deepEqual([code, err], [0, '']);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t', 1)[0] ?? '');
}

test('S5 commands, flags and values come from the one description of the flags', async () => {
  assert.deepEqual(await offered('wh'), ['why', ':words']);
  assert.deepEqual(await offered('in'), ['inject', ':words']);
  assert.deepEqual(await offered('help', 'aud'), ['audit', ':words']);
  assert.deepEqual(await offered('audit', '--all'), ['--all-namespaces', ':words']);
  assert.deepEqual(await offered('audit', '--output', ''), ['text', 'json', ':words']);
  assert.deepEqual(await offered('audit', '-o', 'j'), ['json', ':words']);
  assert.deepEqual(await offered('audit', '--output=j'), ['--output=json', ':words']);
  assert.deepEqual(await offered('audit', '--output', '=', 'j'), ['json', ':words']);
  assert.deepEqual(await offered('explain', '-o', ''), ['text', 'json', ':words']);
  assert.deepEqual(await offered('explain', '--mode', 'na'), ['native', ':words']);
  assert.deepEqual(await offered('inject', '-f', ''), [':files']);
  assert.deepEqual(await offered('serve', '--port', ''), [':words']);
  assert.deepEqual(await offered('completion', 'f'), ['fish', ':words']);
  assert.deepEqual(await offered('nothing', ''), [':words']);
  const flags = await offered('why', '--context', 'x', '--');
  assert.ok(!flags.includes('--context') && flags.includes('--namespace') && flags.includes('--help'));
});

test('S5 every flag that a help text tells is completed, and every one that is completed is told', async () => {
  for (const name of ['serve', 'inject', 'explain', 'webhook-configuration', 'why', 'audit', 'check']) {
    const { out } = await curfew(['help', name]);
    const told = [...out.matchAll(/^ {2}(?:-[a-zA-Z], )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
    const completed = (await offered(name, '--')).filter(
      (word) => word !== '--help' && !word.startsWith(':'),
    );
    assert.deepEqual(completed.toSorted(), [...new Set(told)].toSorted(), name);
  }
});

test('S5 names of contexts, namespaces, pods and Jobs come from the cluster; without one there are none', async (t) => {
  const cluster = await startCluster(t);
  for (const object of [
    aNamespace('shop'),
    aNamespace('other'),
    aPod({ name: 'pod-1', containers: [MAIN] }),
    aJob('nightly'),
  ])
    cluster.put(object);
  const own = ['why', '--kubeconfig', cluster.kubeconfig];
  assert.deepEqual(await offered(...own, '--context', ''), ['x', 'other', ':words']);
  assert.deepEqual(await offered(...own, '-n', 's'), ['shop', ':words']);
  assert.deepEqual((await offered(...own, '')).toSorted(), [':words', 'job/nightly', 'pod-1']);
  assert.deepEqual(await offered(...own, 'job/'), ['job/nightly', ':words']);
  assert.deepEqual(await offered(...own, '-n', 'other', ''), [':words']);
  assert.deepEqual(await offered('why', '--kubeconfig', '/none', ''), [':words']);
  cluster.faults.set('/api/v1/namespaces', 403);
  assert.deepEqual(await offered(...own, '-n', ''), [':words']);
});

/** A folder for PATH with curfew and kubectl-curfew, which write down how they are called. */
async function programs(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  const program = join(folder, 'curfew');
  await writeFile(
    program,
    `#!/bin/sh\ncase $1 in __complete|completion) exec '${process.execPath}' '${MAIN_FILE}' "$@" ;; esac\necho "$@" >${folder}/called\n`,
  );
  await chmod(program, 0o755);
  await symlink(program, join(folder, 'kubectl-curfew'));
  return folder;
}

/** Run a shell, perhaps with a script on its standard input. */
async function shell(folder: string, command: string[], script: string): Promise<string> {
  const [program = '', ...args] = command;
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env.PATH}`,
    HOME: folder,
    KUBECONFIG: '/none',
    TERM: 'dumb',
  };
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], cwd: folder });
  let [out, err] = ['', ''];
  child.stdout.on('data', (piece) => (out += piece));
  child.stderr.on('data', (piece) => (err += piece));
  child.stdin.end(script);
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  assert.equal(err, '', `${program}: ${err}`);
  return out;
}

test('S5 bash completes', async (t) => {
  const folder = await programs(t);
  const script = `
source <(curfew completion bash)
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _curfew; echo "\${COMPREPLY[*]}"; }
ask curfew wh
ask kubectl-curfew audit --outp
ask curfew audit --output = js
complete -p curfew
`;
  assert.deepEqual((await shell(folder, ['bash', '--norc'], script)).trimEnd().split('\n'), [
    'why',
    '--output',
    'json',
    'complete -F _curfew curfew',
  ]);
});

test('S5 fish completes', async (t) => {
  const folder = await programs(t);
  await writeFile(join(folder, 'own-file'), '');
  const script = `
curfew completion fish | source
complete -C 'curfew wh'
complete -C 'kubectl-curfew audit --outp'
complete -C 'curfew audit -o '
complete -C 'curfew inject -f own'
`;
  const lines = (await shell(folder, ['fish', '--no-config', '-c', script], '')).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split('\t', 1)[0]),
    ['why', '--output', 'json', 'text', 'own-file'],
  );
});

test('S5 zsh completes what is typed', async (t) => {
  const folder = await programs(t);
  // A terminal of zsh's own, in which a person types: a tab ends each word, and the line is run.
  const script = `
zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal 'autoload -U compinit; compinit -u -d ${folder}/dump; source <(curfew completion zsh); PS1=; print READ\${:-Y}-'
zpty -r terminal line '*READY-*'
zpty -w -n terminal $'curfew wh\\t--outp\\tjs\\t\\n'
zpty -w terminal 'print DON\${:-E}-'
zpty -r terminal line '*DONE-*'
zpty -d terminal
cat ${folder}/called
`;
  assert.equal(await shell(folder, ['zsh', '-f'], script), 'why --output json\n');
});

test('S5 kubectl asks for a plugin’s completion in the words of cobra', async (t) => {
  const folder = await programs(t);
  const file = join(folder, 'kubectl_complete-curfew');
  await writeFile(file, (await curfew(['completion', 'kubectl'])).out);
  await chmod(file, 0o755);
  assert.match(await shell(folder, ['sh'], 'kubectl_complete-curfew wh'), /^why\t[^\n]+\n:4\n$/);
  assert.equal(await shell(folder, ['sh'], "kubectl_complete-curfew inject -f ''"), ':0\n');
});

test('S5 a shell that it does not know: exit code 2, and which there are', async () => {
  for (const args of [[], ['tcsh'], ['constructor']]) {
    const { code, err } = await curfew(['completion', ...args]);
    assert.equal(code, 2);
    assert.match(err, /name a shell: bash, zsh, fish, kubectl/);
  }
});

test('S5 as kubectl’s plugin curfew is found by its name', async () => {
  const { bin }: { bin: Record<string, string> } = JSON.parse(
    await readFile(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8'),
  );
  assert.equal(bin['kubectl-curfew'], bin.curfew);
});
