import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doneBefore, isFinal } from '../../shim/lifecycle.ts';
import type { Marker } from '../../shim/marker.ts';
import type { ContainerOptions, RestartPolicy } from '../../shim/protocol.ts';
import { SIGKILL, SIGTERM } from '../../shim/signals.ts';
import { FakePod } from './fake-pod.ts';

const TCP: Partial<ContainerOptions> = { ready: { kind: 'tcp', port: 5432 } };

function job(
  restartPolicy: RestartPolicy,
  more: Partial<ConstructorParameters<typeof FakePod>[0]> = {},
): FakePod {
  return new FakePod({ mains: ['work'], sidecars: ['proxy'], restartPolicy, ...more });
}

function two(
  restartPolicy: RestartPolicy,
  more: Partial<ConstructorParameters<typeof FakePod>[0]> = {},
): FakePod {
  return job(restartPolicy, { sidecars: ['first', 'second'], ...more });
}

function marker(pod: FakePod, name: string): Marker {
  const found = pod.get(name).marker;
  assert.ok(found, `${name} has announced something`);
  return found;
}

/** What happened, without the starts. */
function ends(pod: FakePod): string[] {
  return pod.log.filter((line) => !line.endsWith('started'));
}

test("L11 an end for good, on nobody's demand and in this life of the sandbox, need not be repeated", () => {
  const { options } = job('OnFailure').get('work').context;
  const end = { attempt: 1, epoch: 'now', phase: 'ended', code: 0, final: true } as const;
  const last = { ...end, killedIsFinal: false, stopping: false, stopDoubt: 0 };
  const code = (more: Partial<Marker>, epoch = 'now', own: Partial<ContainerOptions> = {}) =>
    doneBefore({ ...options, ...own }, epoch, { ...last, ...more });
  assert.equal(code({}), 0);
  assert.equal(code({ code: 3 }), 3);
  assert.equal(doneBefore(options, 'now', undefined), undefined);
  assert.equal(code({ final: false, code: 1 }), undefined);
  assert.equal(code({ phase: 'running' }), undefined, 'it did not end');
  assert.equal(code({ stopping: true, stopDoubt: 300_000 }), undefined, 'a new image');
  assert.equal(code({}, 'later'), undefined, 'the sandbox was made anew');
  assert.equal(code({ epoch: '' }, ''), undefined, 'nobody knows which life this is');
  assert.equal(code({}, 'now', { preStop: ['work'] }), undefined, 'perhaps its hook ended it');
  assert.equal(code({}, 'now', { role: 'sidecar' }), undefined);
});

test('L1 sidecars start in their listed order, each when the one before is started', () => {
  const pod = two('Never', { options: { first: TCP, second: TCP } });
  pod.start('work', 'second', 'first');
  assert.deepEqual(pod.log, ['first started']);
  pod.pass(60_000);
  assert.deepEqual(pod.log, ['first started']);
  pod.ready('first');
  assert.deepEqual(pod.log, ['first started', 'second started']);
  pod.ready('second');
  assert.deepEqual(pod.log, ['first started', 'second started', 'work started']);
});

test('L1 a readiness condition must hold again after the sidecar was started again', () => {
  const pod = two('Never', { options: { first: TCP } });
  pod.start().ready('first');
  assert.equal(pod.get('work').starts, 1);
  const late = job('OnFailure', { options: { proxy: TCP } });
  late.start('proxy').ready('proxy').exits('proxy', 1).start('work');
  assert.equal(late.get('work').running, false);
  late.ready('proxy');
  assert.equal(late.get('work').running, true);
});

test('L2 a main runs nothing until all sidecars are started, and says every 10 s for what it waits', () => {
  const pod = two('Never', { options: { first: TCP } });
  pod.start('work', 'first').pass(9_999);
  assert.deepEqual(pod.get('work').said, []);
  pod.pass(1);
  assert.deepEqual(pod.get('work').said, [
    'waiting for sidecar first (running, not ready yet), sidecar second (not running yet) (10 s)',
  ]);
  pod.pass(50_000);
  assert.equal(pod.get('work').said.length, 6);
  assert.equal(pod.get('work').starts, 0);
  pod.start('second').ready('first');
  assert.equal(pod.get('work').starts, 1);
});

for (const restartPolicy of ['Never', 'OnFailure', 'Always'] as const) {
  test(`L3 TERM while waiting ends a main with 143 without running it (${restartPolicy})`, () => {
    const pod = job(restartPolicy, { options: { proxy: TCP } });
    pod.start('work', 'proxy').stop('work');
    assert.equal(pod.get('work').exitCode, 143);
    assert.equal(pod.get('work').starts, 0);
    assert.equal(pod.get('work').marker?.final, restartPolicy === 'Never');
    assert.deepEqual(pod.get('proxy').signals, [], 'its own stop request tells it that the pod is deleted');
    pod.stop('proxy');
    assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  });
}

const PROBED = { options: { work: { probed: true } } };
const STOP_DOUBTS = [
  { policy: 'Never', code: 0, doubt: 300_000 },
  { policy: 'Never', code: 143, doubt: 300_000 },
  { policy: 'OnFailure', code: 0, doubt: 300_000 },
  { policy: 'OnFailure', code: 0, doubt: 60_000, ...PROBED },
  { policy: 'Never', code: 143, doubt: 0, ...PROBED },
] as const;

for (const { policy, code, doubt, ...more } of STOP_DOUBTS) {
  const kind = 'options' in more ? 'probed' : 'unprobed';
  test(`L5 an end with ${code} after a stop request is doubted for ${doubt} ms (${policy}, ${kind})`, () => {
    const pod = job(policy, more).start().stop('work').exits('work', code);
    if (doubt > 0) {
      pod.pass(doubt - 1);
      assert.deepEqual(pod.get('proxy').signals, []);
      pod.pass(1);
    }
    assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
    pod.exits('proxy', 143);
    assert.equal(pod.get('proxy').exitCode, 0);
    if (doubt === 0) return;
    const back = job(policy, more).start().stop('work').exits('work', code).pass(30_000).start('work');
    assert.equal(back.get('work').running, true, 'the kubelet has started it again');
    back.pass(600_000).exits('work', 0);
    assert.deepEqual(back.get('proxy').signals, [SIGTERM], 'this end is doubted by nobody');
    const killed = job('Never', more).start().stop('work').killed('work');
    assert.deepEqual(killed.get('proxy').signals, kind === 'unprobed' ? [] : [SIGTERM]);
  });
}

test('L5 L12 a stop request of its own ends the doubt: the pod is deleted, and a main that succeeded has succeeded', () => {
  const pod = job('OnFailure').start().stop('work').exits('work', 0).pass(1_000).stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  assert.equal(pod.exits('proxy', 143).get('proxy').exitCode, 0);
});

test('L5 the doubt begins anew with the next stop, also when nobody saw the main between', () => {
  const pod = job('Never').start().stop('work').exits('work', 143).pass(299_000);
  const last = marker(pod, 'work');
  const peers = new Map([['work', { alive: false, lived: true, marker: { ...last, attempt: 2 } }]]);
  pod.send('proxy', { type: 'peers', at: pod.at, peers }).pass(299_999);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L5 L17 a waiting main waits for a sidecar that was stopped for a new image', () => {
  const pod = job('Never', { options: { proxy: TCP } })
    .start()
    .stop('proxy')
    .pass(28_000)
    .exits('proxy', 143);
  assert.equal(pod.get('proxy').exitCode, 0);
  pod.pass(299_999);
  assert.equal(pod.get('work').up, true);
  pod.start('proxy').ready('proxy').exits('work', 0);
  assert.equal(pod.get('work').exitCode, 0);
  const lost = job('Never', { options: { proxy: { ...TCP, probed: true } } })
    .start()
    .stop('proxy');
  lost.pass(2_000).exits('proxy', 143).pass(2_000);
  assert.equal(lost.get('work').exitCode, 125, 'under Never a probe stops it for good');
});

test('L3 L5 a main that something may have stopped alone is final by its policy alone', () => {
  const pod = job('OnFailure', { options: { work: { probed: true }, proxy: TCP } })
    .start()
    .stop('work');
  assert.equal(pod.get('work').exitCode, 143);
  assert.equal(pod.get('work').marker?.final, false);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.start('work').ready('proxy').exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L3 L14 in a deletion a sidecar that goes first does not change the waiting main's end", () => {
  const pod = two('Never', { options: { first: TCP } })
    .start()
    .stop('second');
  assert.equal(pod.get('second').exitCode, 0);
  assert.equal(pod.get('work').up, true);
  pod.pass(1_999).stop('work');
  assert.equal(pod.get('work').exitCode, 143);
  const alone = two('Never', { options: { first: TCP, second: { probed: true } } })
    .start()
    .stop('second')
    .pass(2_000);
  assert.equal(alone.get('work').exitCode, 125, 'stopped alone, it comes no more');
});

test('L4 a start-timeout ends the main with 124 and names the sidecar', () => {
  const pod = job('Never', { options: { work: { startTimeout: 25_000 }, proxy: TCP } });
  pod.start().pass(24_999);
  assert.equal(pod.get('work').up, true);
  pod.pass(1);
  assert.equal(pod.get('work').exitCode, 124);
  assert.match(pod.get('work').said.at(-1) ?? '', /start-timeout: .* proxy/);
  assert.equal(pod.get('work').starts, 0);
});

test('L5 which exits are final', () => {
  assert.equal(isFinal('Never', [], 1), true);
  assert.equal(isFinal('OnFailure', [], 0), true);
  assert.equal(isFinal('OnFailure', [], 1), false);
  assert.equal(isFinal('Always', [], 0), false);
  assert.equal(isFinal('Never', [{ operator: 'In', codes: [42] }], 42), false);
  assert.equal(isFinal('Never', [{ operator: 'In', codes: [42] }], 1), true);
  assert.equal(isFinal('Never', [{ operator: 'NotIn', codes: [0] }], 1), false);
  assert.equal(isFinal('Never', [{ operator: 'NotIn', codes: [0] }], 0), true);
});

test('L5 a main that fails under OnFailure keeps its sidecars, one that succeeds lets them go', () => {
  const pod = job('OnFailure').start();
  pod.exits('work', 1).pass(3_600_000);
  assert.equal(pod.get('proxy').running, true);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.start('work');
  assert.equal(pod.get('work').starts, 2);
  pod.exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L5 under Always no exit is final, but in a deletion every exit is', () => {
  const pod = job('Always').start();
  pod.exits('work', 0).pass(60_000);
  assert.equal(pod.get('proxy').running, true);
  pod.start('work').stop();
  assert.deepEqual(pod.get('work').signals, [SIGTERM]);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.exits('work', 1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L5 a container's own restart policy and rules are honoured", () => {
  const pod = job('Never', {
    options: { work: { restartRules: [{ operator: 'In', codes: [42] }] } },
  }).start();
  pod.exits('work', 42);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.start('work').exits('work', 41);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L6 sidecars stop when every main is final, in reverse order, the next when the last has gone', () => {
  const pod = two('Never', { mains: ['work', 'more'] }).start();
  pod.exits('work', 0);
  assert.deepEqual(ends(pod), ['work exited 0']);
  pod.exits('more', 1).pass(5_000);
  assert.deepEqual(ends(pod), ['work exited 0', 'more exited 1', 'second got 15']);
  pod.exits('second', 0);
  assert.deepEqual(ends(pod).slice(3), ['second exited 0', 'first got 15']);
  pod.exits('first', 0);
  assert.equal(pod.get('first').exitCode, 0);
});

test('L6 sidecars leave within one grace period from the last main, then KILL', () => {
  const pod = two('Never').start().exits('work', 0);
  pod.pass(27_999);
  assert.deepEqual(pod.get('first').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('first').signals, [SIGTERM], 'every survivor is asked at the reserve');
  pod.pass(1_999);
  assert.equal(pod.get('second').up, true);
  pod.pass(1);
  assert.deepEqual(pod.get('second').signals, [SIGTERM, SIGKILL]);
  assert.deepEqual(pod.get('first').signals, [SIGTERM, SIGKILL]);
  assert.deepEqual([pod.get('first').exitCode, pod.get('second').exitCode], [0, 0]);
});

test('L6 a stop-timeout of its own kills a sidecar earlier', () => {
  const pod = job('Never', { options: { proxy: { stopTimeout: 3_000 } } })
    .start()
    .exits('work', 0)
    .pass(2_999);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.pass(1);
  assert.equal(pod.get('proxy').exitCode, 0);
});

test('L7 a sidecar that was stopped because the work is done exits 0 and tells its real code', () => {
  const pod = job('OnFailure').start().exits('work', 0).exits('proxy', 2);
  assert.equal(pod.get('proxy').exitCode, 0);
  assert.deepEqual(pod.get('proxy').said, ['ended with code 2 when it was stopped']);
  const quiet = job('OnFailure').start().exits('work', 0).exits('proxy', 143);
  assert.equal(quiet.get('proxy').exitCode, 0);
  assert.deepEqual(quiet.get('proxy').said, [], 'to die of the stop signal is no news (P8)');
});

test('L8 a main that dies without a word counts as 137', () => {
  const never = job('Never').start().killed('work');
  assert.deepEqual(never.get('proxy').signals, [SIGTERM]);
  assert.match(never.get('proxy').said[0] ?? '', /work died without a word .* 137/);
  const again = job('OnFailure').start().killed('work').pass(60_000);
  assert.deepEqual(again.get('proxy').signals, []);
  again.start('work').exits('work', 0);
  assert.deepEqual(again.get('proxy').signals, [SIGTERM]);
  const waiting = job('Never', { options: { proxy: TCP } })
    .start()
    .killed('work');
  assert.deepEqual(waiting.get('proxy').signals, [SIGTERM], 'also while it still waits');
});

test('L8 a main that was killed before its first marker is noticed too', () => {
  const pod = job('Never').start('proxy');
  pod.get('work').lived = true;
  pod.send('proxy', { type: 'peers', at: pod.at, peers: new Map([['work', { alive: false, lived: true }]]) });
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L9 a sidecar that ends while a main runs is started again: at once, then 10 s, 20 s ... 5 min', () => {
  const pod = job('Never').start();
  const waits = [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000];
  waits.forEach((wait, i) => {
    pod.exits('proxy', i % 2);
    if (wait > 0) {
      pod.pass(wait - 1);
      assert.equal(pod.get('proxy').running, false, `start ${i} comes no earlier than ${wait} ms`);
      pod.pass(1);
    }
    assert.equal(pod.get('proxy').running, true, `start ${i} comes after ${wait} ms`);
  });
  pod.pass(600_000).exits('proxy', 0);
  assert.equal(pod.get('proxy').running, true, 'ten minutes of running reset it');
  assert.deepEqual(pod.get('work').signals, []);
  assert.equal(pod.get('work').starts, 1, 'the main is not disturbed');
  assert.equal(pod.get('proxy').up, true);
});

test('L9 under Never a sidecar with a probe rests for 10 s at most, or the probe would end it for good', () => {
  for (const [policy, pauses] of [
    ['Never', [0, 10_000, 10_000, 10_000]],
    ['OnFailure', [0, 10_000, 20_000, 40_000]],
  ] as const) {
    const pod = job(policy, { options: { proxy: { probed: true } } }).start();
    for (const pause of pauses) {
      const { starts } = pod.get('proxy');
      pod.exits('proxy', 1);
      if (pause > 0) pod.pass(pause - 1);
      assert.equal(pod.get('proxy').starts, pause === 0 ? starts + 1 : starts);
      if (pause > 0) pod.pass(1);
      assert.equal(pod.get('proxy').starts, starts + 1, `${policy} after ${pause} ms`);
    }
  }
});

test('L9 a sidecar that waits to be started again leaves at once when the work is done', () => {
  const pod = job('OnFailure').start().exits('proxy', 1).exits('proxy', 1).exits('work', 0);
  assert.equal(pod.get('proxy').exitCode, 0);
});

test('L10 a main that ended before the sidecar came up is seen; a sidecar after the work runs nothing', () => {
  const pod = job('Never', { options: { work: { startTimeout: 5_000 } } });
  pod.start('work').pass(5_000).start('proxy');
  assert.equal(pod.get('proxy').starts, 0);
  assert.equal(pod.get('proxy').exitCode, 0);
  const again = job('OnFailure').start().exits('work', 0).killed('proxy').start('proxy');
  assert.equal(again.get('proxy').starts, 1, 'only the first time');
  assert.equal(again.get('proxy').exitCode, 0);
});

test('L11 a stale started marker starts no main', () => {
  const pod = job('OnFailure').start().reboot().start('work').pass(60_000);
  assert.equal(pod.get('work').running, false);
  pod.start('proxy');
  assert.equal(pod.get('work').running, true);
});

test('L11 after a node restart a final marker is doubted: the kubelet may start that main again', () => {
  const pod = job('OnFailure').start().exits('work', 0).reboot().start('proxy');
  assert.equal(pod.get('proxy').running, true);
  pod.pass(30_000).start('work');
  assert.equal(pod.get('work').running, true);
  pod.pass(3_600_000);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L11 a main that ended before a node restart and is not started again hangs no pod', () => {
  const pod = job('OnFailure').start().exits('work', 0).reboot().start('proxy').pass(60_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  const both = job('OnFailure', { mains: ['work', 'more'] })
    .start()
    .exits('work', 0)
    .reboot()
    .start('more', 'proxy');
  both.pass(300_000);
  assert.deepEqual(both.get('proxy').signals, []);
  both.exits('more', 0);
  assert.deepEqual(both.get('proxy').signals, [SIGTERM]);
});

test('L11 L17 a main whose sidecar ended before a node restart, and is not started again, gives up after a minute', () => {
  const pod = job('OnFailure').start().exits('work', 0).exits('proxy', 0).reboot();
  pod.start('work').pass(59_999);
  assert.equal(pod.get('work').up, true, 'the kubelet may have forgotten the sidecar too');
  pod.pass(1);
  assert.equal(pod.get('work').exitCode, 125);
  const both = job('OnFailure').start().exits('work', 0).exits('proxy', 0).reboot();
  both.start('work').pass(30_000).start('proxy').pass(60_000).exits('work', 0);
  assert.equal(both.get('work').exitCode, 0);
});

test('L11 L7 a sandbox that dies alone: all are stopped, and every one that the kubelet must start again fails', () => {
  const pod = job('OnFailure').start().stop().exits('work', 143).exits('proxy', 0);
  assert.equal(pod.get('proxy').exitCode, 143, 'with 0 the kubelet would leave it ended');
  pod.reboot().start();
  assert.equal(pod.get('work').running, true);
  pod.exits('work', 0).exits('proxy', 143);
  assert.deepEqual([pod.get('work').exitCode, pod.get('proxy').exitCode], [0, 0]);
  const waiting = job('OnFailure', { options: { proxy: TCP } })
    .start()
    .stop()
    .exits('proxy', 0);
  assert.deepEqual([waiting.get('work').exitCode, waiting.get('proxy').exitCode], [143, 143]);
  const done = job('OnFailure').start().stop().exits('work', 0).exits('proxy', 143);
  assert.equal(done.get('proxy').exitCode, 0, 'a main that used its time to succeed is not started again');
  const never = job('Never').start().stop().exits('work', 143).exits('proxy', 143);
  assert.equal(never.get('proxy').exitCode, 0);
});

test('L11 L7 in a sandbox that dies alone a sidecar waits for its own stop request, and fails too', () => {
  const early = job('OnFailure').start().stop('work').exits('work', 143).exits('proxy', 0);
  assert.equal(early.get('proxy').starts, 2, 'its main will be started again');
  assert.equal(early.stop('proxy').exits('proxy', 0).get('proxy').exitCode, 143);
  early.reboot().start();
  assert.equal(early.get('work').running, true);
  const hooked = job('OnFailure', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .exits('work', 143)
    .pass(30_000);
  assert.deepEqual(hooked.get('proxy').signals, []);
  assert.equal(hooked.stop('proxy').exits('proxy', 0).get('proxy').exitCode, 143);
  const resting = job('OnFailure', { options: { proxy: TCP } })
    .start()
    .exits('proxy', 1)
    .exits('proxy', 1)
    .stop();
  assert.deepEqual([resting.get('work').exitCode, resting.get('proxy').exitCode], [143, 143]);
});

test('L12 in a deletion a main gets TERM at once, sidecars hold theirs and leave in reverse order', () => {
  const pod = two('Always').start().stop();
  assert.deepEqual(ends(pod), ['work got 15']);
  pod.pass(20_000).exits('work', 0);
  assert.deepEqual(ends(pod), ['work got 15', 'work exited 0', 'second got 15']);
  pod.exits('second', 0);
  assert.deepEqual(pod.get('first').signals, [SIGTERM]);
});

for (const { grace, reserve } of [
  { grace: 30_000, reserve: 2_000 },
  { grace: 4_000, reserve: 1_000 },
]) {
  test(`L12 with a grace period of ${grace} ms the reserve is ${reserve} ms, and KILL comes before the kubelet's`, () => {
    const pod = two('Always', { grace })
      .start()
      .stop()
      .pass(grace - reserve - 1);
    assert.deepEqual([pod.get('first').signals, pod.get('second').signals], [[], []]);
    pod.pass(1);
    assert.deepEqual([pod.get('first').signals, pod.get('second').signals], [[SIGTERM], [SIGTERM]]);
    pod.pass(reserve - 1);
    assert.deepEqual(pod.get('first').signals, [SIGTERM, SIGKILL]);
    assert.equal(pod.get('first').up, false);
  });
}

test('L13 a TERM for one sidecar alone reaches it without waiting for the mains', () => {
  const options = { proxy: { probed: true } };
  const pod = job('OnFailure', { options }).start().stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(2_000);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
  pod.exits('proxy', 0);
  assert.equal(pod.get('proxy').exitCode, 143, 'not 0: else the kubelet would not start it again');
  pod.start('proxy');
  assert.equal(pod.get('proxy').running, true);
  const never = job('Never', { options }).start().stop('proxy').pass(2_000).exits('proxy', 1);
  assert.equal(never.get('proxy').exitCode, 0, 'nobody starts it again, so its code would only fail the pod');
});

test("L13 the main's TERM may come a little later than the sidecar's", () => {
  const pod = job('OnFailure', { options: { proxy: { probed: true } } })
    .start()
    .stop('proxy')
    .pass(1_900)
    .stop('work')
    .pass(10_000);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test('L13 nothing stops a sidecar without a probe alone: its TERM is the deletion, however late the main has its own', () => {
  const pod = job('OnFailure').start().stop('proxy').pass(20_000);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.stop('work').exits('work', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L12 a sidecar whose own preStop delays its TERM still counts the grace period from the others'", () => {
  const pod = job('OnFailure', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .pass(20_000)
    .stop('proxy')
    .pass(7_999);
  assert.deepEqual(pod.get('proxy').signals, []);
  pod.pass(1);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM]);
});

test("L12 L15 a main's own stop, long over, is not taken for the deletion's beginning by a sidecar with a preStop hook", () => {
  const pod = job('OnFailure', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .pass(28_000);
  const again = { alive: true, lived: true, marker: { ...marker(pod, 'work'), stopping: false } };
  // It sees the main's next attempt for the first time when its own stop request comes (driver.ts, lookAgain).
  const proxy = pod.get('proxy');
  if (proxy.sidecar !== undefined) proxy.sidecar = { ...proxy.sidecar, peers: new Map([['work', again]]) };
  pod.stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, []);
});

test("L12 L15 a main that died as it came up again is not taken for the deletion's beginning by a sidecar with a preStop hook", () => {
  const pod = job('Always', { preStop: ['proxy'] })
    .start()
    .exits('work', 0);
  const coming: Marker = { ...marker(pod, 'work'), attempt: 2, phase: 'waiting', stopping: true };
  const see = (alive: boolean, marker: Marker) =>
    pod.send('proxy', {
      type: 'peers',
      at: pod.at,
      peers: new Map([['work', { alive, lived: true, marker }]]),
    });
  see(false, coming).pass(30_000);
  see(true, { ...coming, attempt: 3, phase: 'running' }).stop('proxy');
  assert.deepEqual(pod.get('proxy').signals, [], 'the main has its whole grace period');
});

test("L15 a sidecar's own preStop hook is not cut off by the end of the mains that were stopped with it", () => {
  for (const policy of ['Never', 'OnFailure', 'Always'] as const) {
    const pod = job(policy, { preStop: ['proxy'] })
      .start()
      .stop('work')
      .exits('work', 0)
      .pass(5_000);
    assert.deepEqual(pod.get('proxy').signals, [], policy);
    pod.stop('proxy');
    assert.deepEqual(pod.get('proxy').signals, [SIGTERM], policy);
  }
  // Its hook takes the whole grace period; then the kubelet leaves it 2 s.
  const endless = job('Never', { preStop: ['proxy'] })
    .start()
    .stop('work')
    .pass(4_000)
    .exits('work', 0)
    .pass(26_000);
  assert.deepEqual(endless.get('proxy').signals, []);
  endless.stop('proxy');
  assert.deepEqual(endless.get('proxy').signals, [SIGTERM]);
  endless.pass(1_499);
  assert.deepEqual(endless.get('proxy').signals, [SIGTERM]);
  endless.pass(1);
  assert.deepEqual(endless.get('proxy').signals, [SIGTERM, SIGKILL]);
});

test('L15 a preStop hook that does not run at the end of the work is not waited for', () => {
  const work = job('Never', { preStop: ['proxy'] })
    .start()
    .exits('work', 0);
  assert.deepEqual(work.get('proxy').signals, [SIGTERM]);
  // The main was stopped alone, by its probe: the first sidecar, which has no hook, would have had its TERM by now.
  const alone = two('Never', { preStop: ['second'], ...PROBED })
    .start()
    .stop('work')
    .exits('work', 1);
  assert.deepEqual(alone.get('second').signals, []);
  alone.pass(2_000);
  assert.deepEqual(alone.get('second').signals, [SIGTERM]);
  // Nobody else is there: when its hook must be over and no stop request has come, it was the probe's stop, and there is time to leave.
  const only = job('Never', { preStop: ['proxy'], ...PROBED })
    .start()
    .stop('work')
    .exits('work', 1)
    .pass(31_999);
  assert.deepEqual(only.get('proxy').signals, []);
  only.pass(1);
  assert.deepEqual(only.get('proxy').signals, [SIGTERM]);
  only.pass(29_999);
  assert.deepEqual(only.get('proxy').signals, [SIGTERM]);
});

test('L14 deletion during start ends every container, and nothing starts after TERM', () => {
  const pod = two('OnFailure', { options: { first: TCP } })
    .start()
    .stop();
  assert.equal(pod.get('work').exitCode, 143);
  assert.equal(pod.get('second').up, false);
  assert.deepEqual(pod.get('first').signals, [SIGTERM]);
  pod.exits('first', 0);
  assert.deepEqual([pod.get('work').starts, pod.get('second').starts, pod.get('first').starts], [0, 0, 1]);
  const early = two('OnFailure', { options: { first: TCP } })
    .start()
    .stop('first')
    .ready('first')
    .pass(1_000);
  assert.equal(early.get('work').starts, 0, 'a sidecar that is stopping starts nobody');
});

test("L15 a main that its probe stopped long ago does not make the end of another look like the pod's deletion", () => {
  const pod = new FakePod({
    mains: ['work', 'more'],
    sidecars: ['proxy'],
    restartPolicy: 'Never',
    preStop: ['proxy'],
    options: { work: { probed: true } },
  });
  pod.start().stop('work').exits('work', 143).pass(3_000).exits('more', 0);
  assert.deepEqual(pod.get('proxy').signals, [SIGTERM], 'at once, with its whole grace period before it');
  const back = job('OnFailure', { preStop: ['proxy'], options: { work: { probed: true } } });
  back.start().stop('work').exits('work', 143).start('work').exits('work', 0);
  assert.deepEqual(back.get('proxy').signals, [SIGTERM], 'it came back');
});

test("L15 a main's preStop that delays its TERM does not make the sidecars leave early", () => {
  const pod = two('OnFailure', { preStop: ['work'] })
    .start()
    .stop('first', 'second')
    .pass(20_000);
  assert.deepEqual(ends(pod), []);
  pod.stop('work');
  assert.deepEqual(ends(pod), ['work got 15']);
  pod.exits('work', 0);
  assert.deepEqual(ends(pod), ['work got 15', 'work exited 0', 'second got 15']);
  const alone = job('OnFailure', { preStop: ['work'], options: { proxy: { probed: true } } })
    .start()
    .stop('proxy')
    .pass(27_999);
  assert.deepEqual(alone.get('proxy').signals, []);
});

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
  const pod = two('OnFailure', { options: { first: TCP } }).start('first', 'second');
  pod.send('second', { type: 'unusable', at: pod.at, reason: 'cannot write: no space left on device' });
  assert.equal(pod.get('second').exitCode, 125);
  pod.exits('first', 1).exits('first', 1);
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

test('L17 a main whose sidecar can never come back ends with 125 instead of waiting for ever', () => {
  const pod = job('Never', { options: { proxy: TCP } })
    .start()
    .killed('proxy');
  assert.equal(pod.get('work').exitCode, 125);
  assert.match(pod.get('work').said[0] ?? '', /proxy has ended and will not be started again/);
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
