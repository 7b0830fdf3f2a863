/** Rule L2 on real processes: a main that waits says for what, every 10 s. By itself, because it takes 10 s. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TERM } from './container.ts';
import { SLOWNESS } from './patience.ts';
import { Pod } from './pod.ts';

test('L2 a main that waits says for what after 10 s', async (t) => {
  const pod = new Pod(t, { mains: ['m'], sidecars: ['up', 'slow', 'next', 'gone'] });
  pod.start('up', pod.serve('up'));
  pod.start('slow', pod.serve('slow'), { options: { ready: { kind: 'exec', command: ['false'] } } });
  pod.start('next', pod.serve('next'));
  const main = pod.start('m', pod.work('m'));
  await main.says(' s)\n');
  const states =
    'sidecar slow (running, not ready yet), sidecar next (waiting for its turn), sidecar gone (not running yet)';
  // An emulated machine wakes up late.
  const said = SLOWNESS > 1 ? main.stderr.replace(/ \(1\d s\)\n$/, ' (10 s)\n') : main.stderr;
  assert.equal(said, `curfew: waiting for ${states} (10 s)\n`);
  await main.signal(TERM);
  assert.equal(await main.code(), 143);
  assert.ok(!pod.noted.includes('m runs'));
});
