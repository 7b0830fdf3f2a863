/** Rule L21 on real processes: the shim's last words in the container's termination message. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { shimFlags } from '../../shim/protocol.ts';
import { NAMESPACE, Pod } from './pod.ts';

/** A termination message's file as the kubelet makes it, in a folder of its own. */
function messageOf(pod: Pod, name: string, text = ''): { path: string; read: () => string } {
  const folder = `${pod.folder}/message-of-${name}`;
  mkdirSync(folder);
  const path = `${folder}/log`;
  writeFileSync(path, text);
  chmodSync(path, 0o666);
  return { path, read: () => readFileSync(path, 'utf8') };
}

test('L21 a main whose start-timeout runs out leaves for whom it waited', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const { path, read } = messageOf(pod, 'm');
  const options = { startTimeout: 1, terminationMessage: path };
  assert.equal(await pod.start('m', pod.work('m'), { options }).code(), 124, pod.story);
  assert.equal(read(), 'curfew: start-timeout: gave up waiting for sidecar s (not running yet)\n');
});

test('L21 a command that cannot be started leaves which, and why', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'] });
  const missing = messageOf(pod, 'm');
  const refused = messageOf(pod, 'n');
  const run = (name: string, command: string, path: string) =>
    pod.start(name, [command], { options: { terminationMessage: path } }).code();
  assert.equal(await run('m', 'nowhere\n', missing.path), 127, pod.story);
  assert.equal(missing.read(), 'curfew: "nowhere\\n": command not found in PATH\n');
  assert.equal(await run('n', pod.folder, refused.path), 126, pod.story);
  assert.equal(refused.read(), `curfew: "${pod.folder}": cannot execute: permission denied\n`);
});

test('L21 a rendezvous that cannot be used, and arguments that do not parse, are left too', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const { path, read } = messageOf(pod, 'm');
  const options = { run: '/nowhere', terminationMessage: path };
  assert.equal(await pod.start('m', pod.work('m'), { options }).code(), 125, pod.story);
  assert.match(read(), /^curfew: cannot .* \/nowhere\/m\.life: no such file or directory\n$/);
  const other = messageOf(pod, 'n');
  const flags = ['main', '--name=m', '--mains=m', '--grace=soon', `--termination-message=${other.path}`];
  const words = [...NAMESPACE, `${pod.bin}/curfew-shim`, ...flags, '--', 'true'];
  assert.equal(await pod.begin('m', words).code(), 125, pod.story);
  assert.equal(other.read(), 'curfew: --grace=soon does not parse; an example: --grace=20s\n');
});

test('L21 a command’s own end leaves nothing, and what it wrote stays', async (t) => {
  const pod = new Pod(t, { mains: ['m', 'n'] });
  const own = messageOf(pod, 'm');
  const options = { terminationMessage: own.path };
  assert.equal(await pod.start('m', ['sh', '-c', 'exit 127'], { options }).code(), 127);
  assert.equal(own.read(), '');
  const kept = messageOf(pod, 'n', 'by its author\n');
  assert.equal(await pod.start('n', ['nowhere'], { options: { terminationMessage: kept.path } }).code(), 127);
  assert.equal(kept.read(), 'by its author\n');
});

test('L21 no link is followed, not even in a folder, and nothing but a regular file is opened', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const { path, read } = messageOf(pod, 'm');
  const link = `${pod.folder}/link`;
  const folder = `${pod.folder}/folder`;
  symlinkSync(path, link);
  symlinkSync(`${pod.folder}/message-of-m`, folder);
  for (const terminationMessage of [link, `${folder}/log`, pod.folder, '/dev/full', '/no/such/file']) {
    const main = pod.start('m', ['nowhere'], { options: { terminationMessage } });
    assert.equal(await main.code(), 127, main.words);
  }
  assert.equal(read(), '');
  rmSync(folder);
  const main = pod.start('m', ['nowhere'], { options: { terminationMessage: path } });
  assert.equal(await main.code(), 127, main.words);
  assert.notEqual(read(), '', 'without a link it is written');
});

test('L21 a probe that is run beside a command leaves that one’s message alone', async (t) => {
  const pod = new Pod(t, { mains: ['m'] });
  const { path, read } = messageOf(pod, 'm');
  const place = `mount --bind ${path} ${path}; mkdir -p /dev; : >>/dev/termination-log; mount --bind ${path} /dev/termination-log`;
  const flags = shimFlags({
    ...{ role: 'started', name: 'm', run: pod.run, delay: 0, ready: { kind: 'none' }, readyTimeout: 1_000 },
  });
  const inside = (words: string[]) => [
    ...['unshare', '--mount', 'sh', '-c', `mount -t tmpfs none /dev && ${place} && exec "$@"`, '-'],
    ...words,
  ];
  const probe = pod.begin('probe', inside([`${pod.bin}/curfew-shim`, ...flags, '--nonsense']));
  assert.equal(await probe.code(), 125, probe.words);
  assert.equal(read(), '');
  const install = pod.begin('install', inside([`${pod.bin}/curfew-shim`, 'install', '--nonsense']));
  assert.equal(await install.code(), 125, install.words);
  assert.equal(read(), 'curfew: unknown argument "--nonsense"\n');
});
