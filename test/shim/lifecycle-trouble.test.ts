/** Rules L16 and L17: waiting costs nothing, and a rendezvous that cannot be used; rules P2, P3, P6 and P7 as far as the state machines keep them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { job, marker, TCP, two } from './fake-job.ts';

test('L16 nobody asks to be woken while there is nothing to do', () => {
  const pod = two('OnFailure').start();
  for (const name of ['work', 'first', 'second']) assert.equal(pod.get(name).wakeAt, undefined);
});

test('L17 a main that cannot announce itself exits 125, also when nothing keeps it from running', () => {
  const pod = job('Never', { options: { proxy: TCP } }).start();
  pod.send('work', { type: 'unusable', at: pod.at, reason: 'cannot write: no space left on device' });
  assert.equal(pod.get('work').exitCode, 125);
  assert.match(pod.get('work').said[0] ?? '', /no space left/);
  const ready = job('Never').start();
  ready.send('work', { type: 'unusable', at: ready.at, reason: 'cannot write: no space left on device' });
  assert.equal(ready.get('work').exitCode, 125);
});

test('L17 a sidecar that cannot announce itself exits 125; one that rests is needed again', () => {
  const pod = two('OnFailure', { options: { first: TCP }, preStop: ['first'] }).start('first', 'second');
  pod.send('second', { type: 'unusable', at: pod.at, reason: 'cannot write: no space left on device' });
  assert.equal(pod.get('second').exitCode, 125);
  pod.exits('first', 1);
  pod.send('first', { type: 'unusable', at: pod.at, reason: 'cannot write: no space left on device' });
  assert.equal(pod.get('first').up, true);
});

test('L17 a sidecar that cannot announce that it is started exits 125 as soon as somebody waits for it', () => {
  for (const policy of ['Never', 'OnFailure'] as const) {
    const pod = two(policy, { options: { first: TCP } }).start('first', 'second');
    pod.send('second', { type: 'stop-request', at: pod.at, signal: 15 });
    assert.equal(pod.get('second').up, false, 'nobody waits any more');
    pod.send('first', { type: 'unusable', at: pod.at, reason: 'read-only file system', running: true });
    assert.deepEqual(pod.get('first').signals, []);
    pod.start('work');
    assert.deepEqual(pod.get('first').signals, [15]);
    pod.exits('first', 0);
    assert.equal(pod.get('first').exitCode, 125);
  }
});

test('L17 a sidecar that cannot announce that it is started is not needed by one that starts before it', () => {
  const sidecars = ['first', 'second', 'third'];
  const pod = job('OnFailure', { sidecars, options: { first: TCP, third: TCP } });
  pod.start().ready('first').ready('third');
  assert.equal(pod.get('work').running, true);
  pod.send('third', { type: 'unusable', at: pod.at, reason: 'read-only file system', running: true });
  pod.killed('first').killed('second').start('first', 'second');
  assert.equal(marker(pod, 'second').phase, 'waiting');
  assert.deepEqual(pod.get('third').signals, []);
});

test('L17 a sidecar to which no main has come says so every 10 s, until one has', () => {
  const pod = job('OnFailure', { mains: ['work', 'more'] })
    .start('proxy')
    .pass(9_999);
  assert.deepEqual(pod.get('proxy').said, []);
  pod.pass(20_001);
  const text =
    'no main has come yet: work, more (not running yet, or ended without a trace in the rendezvous)';
  assert.deepEqual(pod.get('proxy').said, [`${text} (10 s)`, `${text} (20 s)`, `${text} (30 s)`]);
  pod.start('work').pass(3_600_000);
  assert.equal(pod.get('proxy').said.length, 3);
  pod.exits('work', 1).pass(3_600_000);
  assert.equal(pod.get('proxy').said.length, 3, 'it will come again');
});

test('L17 a main whose sidecar can never come back ends with 125 instead of waiting for ever', () => {
  const pod = job('Never', { options: { proxy: TCP } })
    .start()
    .killed('proxy');
  assert.equal(pod.get('work').exitCode, 125);
  assert.match(
    pod.get('work').said[0] ?? '',
    /proxy was killed and will not be started again \(see its log\)/,
  );
  const again = job('OnFailure', { options: { proxy: TCP } })
    .start()
    .killed('proxy')
    .pass(60_000);
  assert.equal(again.get('work').up, true);
});

test('P2 a command that cannot be started ends a main with its code, and is tried again in a sidecar', () => {
  const pod = job('Never').start('work');
  pod.start('proxy');
  pod.send('work', { type: 'not-started', at: pod.at, code: 127, reason: '"x": command not found in PATH' });
  assert.equal(pod.get('work').exitCode, 127);
  assert.deepEqual(pod.get('work').said, ['"x": command not found in PATH']);
  const proxy = job('Never').start();
  proxy.send('proxy', {
    type: 'not-started',
    at: proxy.at,
    code: 127,
    reason: '"x": command not found in PATH',
  });
  assert.equal(proxy.get('proxy').starts, 2);
});

test('P3 signals are forwarded; P6 those that come before the process are not lost', () => {
  const pod = job('Never', { options: { proxy: TCP } }).start();
  pod.send('work', { type: 'signal', at: pod.at, signal: 1 });
  assert.deepEqual(pod.get('work').signals, []);
  pod.ready('proxy');
  assert.deepEqual(pod.get('work').signals, [1]);
  pod.send('work', { type: 'signal', at: pod.at, signal: 15 });
  assert.deepEqual(pod.get('work').signals, [1, 15], 'a TERM from inside is just forwarded (P7)');
  assert.equal(pod.get('work').marker?.stopping, false);
});

test('P7 the stop signal is what the sidecar gets at the end of work', () => {
  const pod = job('Never', { options: { proxy: { stopSignal: 'INT' } } })
    .start()
    .exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [2]);
});
