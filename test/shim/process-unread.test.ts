/** Rule P8 on real processes: a standard error that nobody reads holds up nothing. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildProgram } from './actor.ts';
import { TERM } from './container.ts';
import { until } from './patience.ts';
import { NAMESPACE, Pod } from './pod.ts';

const STDERR = buildProgram(fileURLToPath(new URL('stderr.c', import.meta.url)));
const KINDS = ['full', 'socket', 'stopped'] as const;

for (const kind of KINDS) {
  const inside = [...NAMESPACE, STDERR, kind];

  test(`P8 L6 a sidecar with words that nobody reads (${kind}) is killed when its time is over`, async (t) => {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'], grace: 200 });
    const deaf = ['sh', '-c', `trap '' TERM; echo 's up' >> ${pod.log}; exec sleep 1000`];
    const sidecar = pod.start('s', deaf, { inside, options: { log: 'debug' } });
    await pod.notes('s up');
    assert.equal(await pod.start('m', pod.work('m', 3), { inside, options: { log: 'debug' } }).code(), 3);
    assert.equal(await sidecar.code(), 0);
  });

  test(`P8 L3 a main that waits obeys TERM although nobody reads its words (${kind})`, async (t) => {
    const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
    const main = pod.start('m', pod.work('m'), { inside, options: { log: 'debug' } });
    await pod.announces('m', 'waiting');
    await main.signal(TERM);
    assert.equal(await main.code(), 143);
  });
}

/** What is in a pipe now. */
function take(fifo: string): string {
  const { stdout } = spawnSync('dd', [`if=${fifo}`, 'bs=65536', 'count=1', 'iflag=nonblock', 'status=none']);
  return stdout.toString();
}

test('P8 words wait for a reader, and the command is not told of it', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['s'] });
  const fifo = `${pod.folder}/stderr`;
  execFileSync('mkfifo', [fifo]);
  const fill = 'exec 2<>"$0"; dd if=/dev/zero of="$0" oflag=nonblock bs=4096 count=64 2>&-; exec "$@"';
  const main = pod.start('m', ['sh', '-c', 'cat /proc/self/fdinfo/2'], {
    inside: ['bash', '-c', fill, fifo],
    options: { log: 'debug' },
  });
  await pod.announces('m', 'waiting');
  assert.equal(take(fifo).length, 65_536);
  await until('its words', () => (take(fifo).startsWith('curfew: debug: waiting\n') ? true : undefined));
  const sidecar = pod.start('s', pod.serve('s'));
  assert.equal(await main.code(), 0);
  assert.equal(await sidecar.code(), 0);
  // O_LARGEFILE is another bit on arm64.
  assert.match(main.stdout, /^flags:\s+0[14]00002$/m, 'O_RDWR, and no O_NONBLOCK');
});
