/** Rule P10: what `curfew-shim status` says of a pod, from what stands in its rendezvous. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CARD_SIZE, type Card, formatCard, parseCard } from '../../shim/card.ts';
import type { Marker } from '../../shim/marker.ts';
import { type ContainerStatus, formatStatus, type Sight, statusOf } from '../../shim/status-view.ts';

const CARD: Card = { role: 'sidecar', mains: ['work'], sidecars: ['first', 'second'], restarts: 0 };
const MARKER: Marker = {
  ...{ attempt: 1, epoch: 'e', phase: 'waiting', code: 0, final: false },
  ...{ killedIsFinal: false, stopping: false, stopDoubt: 0 },
};

/** What was found of a container. */
function sight(name: string, marker: Partial<Marker>, more: Partial<Sight> = {}): Sight {
  const role = name.startsWith('work') ? 'main' : 'sidecar';
  return {
    name,
    alive: true,
    marker: { ...MARKER, ...marker },
    card: { ...CARD, role },
    age: 1_000,
    ...more,
  };
}

function only(sights: readonly Sight[], name: string): ContainerStatus {
  const found = statusOf(sights, 'e').find((status) => status.name === name);
  assert.ok(found);
  return found;
}

const words = (status: ContainerStatus) => status.waitsFor.map(({ name, why }) => `${name} (${why})`);

test('P10 a main waits for each sidecar that is not started, a sidecar for those before it', () => {
  const pod = [
    sight('first', { phase: 'starting' }, { why: 'tcp://:1: connection refused' }),
    sight('second', {}),
    sight('work', {}),
  ];
  const not = 'first (running, not ready yet: tcp://:1: connection refused)';
  assert.deepEqual(words(only(pod, 'work')), [not, 'second (waiting for its turn)']);
  assert.deepEqual(words(only(pod, 'second')), [not]);
  assert.equal(only(pod, 'first').why, 'tcp://:1: connection refused');
  assert.deepEqual(words(only(pod, 'first')), ['work (waiting)']);
});

test('P10 a container that has not come is known by what others say of the pod', () => {
  const pod = [sight('work', {}), { name: 'first', alive: false }, { name: 'stranger', alive: false }];
  assert.deepEqual(
    statusOf(pod, 'e').map(({ name, role, phase }) => [name, role, phase]),
    [
      ['first', 'sidecar', 'absent'],
      ['second', 'sidecar', 'absent'],
      ['work', 'main', 'waiting'],
      ['stranger', null, 'absent'],
    ],
  );
  assert.deepEqual(words(only(pod, 'work')), ['first (not running yet)', 'second (not running yet)']);
});

test('P10 who holds a pod: the mains that have not ended for good, then the sidecars behind', () => {
  const up = [sight('first', { phase: 'started' }), sight('second', { phase: 'started' })];
  const first = (...mains: Sight[]) => words(only([...up, ...mains], 'first'));
  assert.deepEqual(first(sight('work', { phase: 'running' })), ['work (running)']);
  const down = { alive: false };
  const again = 'work (ended with code 3, to be started again by the kubelet: see its log)';
  assert.deepEqual(first(sight('work', { phase: 'ended', code: 3 }, down)), [again]);
  assert.deepEqual(first(sight('work', { phase: 'ended', final: true }, down)), ['second (running)']);
  const killed = sight('work', { phase: 'running', killedIsFinal: true }, down);
  assert.deepEqual(first(killed), ['second (running)']);
  const { phase, code, final, sinceMs } = only([...up, killed], 'work');
  assert.deepEqual([phase, code, final, sinceMs], ['killed', 137, true, null]);
  const back = sight('work', { phase: 'running' }, down);
  assert.deepEqual(first(back), ['work (killed, to be started again by the kubelet: see its log)']);
  const stopping = [
    sight('first', { phase: 'started', stopping: true }),
    sight('second', { phase: 'started' }),
  ];
  assert.deepEqual(words(only([...stopping, sight('work', { phase: 'running', stopping: true })], 'first')), [
    'work (stopping)',
    'second (running)',
  ]);
});

test('P10 an end that may have been a stop of that container alone is doubted, and said to be', () => {
  const main = sight(
    'work',
    { phase: 'ended', code: 0, final: true, stopping: true, stopDoubt: 60_000 },
    { alive: false },
  );
  const pod = [sight('first', { phase: 'started' }), main];
  assert.deepEqual(words(only(pod, 'first')), [
    'work (ended with code 0 when it was stopped, and may be started again)',
  ]);
  const later = { ...main, age: 60_001 };
  assert.deepEqual(words(only([sight('first', { phase: 'started' }), later], 'first')), []);
});

test('P10 a sidecar that ended has its code and its restarts', () => {
  const card: Card = { ...CARD, restarts: 4, code: 1 };
  const resting = [sight('first', { phase: 'resting', code: 1 }, { card }), sight('work', {})];
  assert.deepEqual(words(only(resting, 'work')), [
    'first (ended with code 1, to be started again: see its log)',
    'second (not running yet)',
  ]);
  const { code, restarts } = only(resting, 'first');
  assert.deepEqual([code, restarts], [1, 4]);
});

test('P10 what was written before a node’s restart is of no container that is there', () => {
  const old = sight('first', { phase: 'started', epoch: 'before' }, { alive: false });
  assert.equal(only([old], 'first').phase, 'absent');
  assert.equal(only([{ ...old, alive: true }], 'first').phase, 'waiting', 'it is just coming up');
});

test('P10 L19 a name that a card says twice is one container', () => {
  const twice: Card = { ...CARD, mains: ['work', 'first', 'work'], sidecars: ['first', 'first'] };
  const pod = statusOf([sight('work', {}, { card: { ...twice, role: 'main' } })], 'e');
  assert.deepEqual(
    pod.map(({ name, role }) => [name, role]),
    [
      ['first', 'sidecar'],
      ['work', 'main'],
    ],
  );
});

test('P10 a life line that is not there: what the marker says', () => {
  const { phase, alive } = only([sight('work', { phase: 'running' }, { alive: null })], 'work');
  assert.deepEqual([phase, alive], ['running', null]);
});

test('P10 L19 no text makes a terminal obey, and all is bounded', () => {
  const names = Array.from({ length: 200 }, (_, i) => `sidecar-${i}`.padEnd(63, 'x'));
  const card: Card = { role: 'main', mains: ['work'], sidecars: names, restarts: 0 };
  const why = `\u001b[2J\u009b\u202e\n${'y'.repeat(10_000)}`;
  const pod = [
    ...names.map((name) => sight(name, { phase: 'starting' }, { why, card })),
    sight('work', {}, { card }),
  ];
  const all = statusOf(pod, 'e');
  assert.equal(all.length, 128);
  assert.equal(all[0]?.why?.startsWith('?[2J???y'), true);
  for (const text of [JSON.stringify(all), formatStatus(all)]) {
    assert.ok(text.length < 512 * 1_024, `${text.length}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  const waiting = statusOf([sight('work', {}, { card: { ...card, sidecars: names.slice(0, 20) } })], 'e');
  assert.deepEqual([waiting.at(-1)?.waitsFor.length, waiting.at(-1)?.waitsForMore], [8, 12]);
});

test('P10 the table has one line a container', () => {
  const pod = [
    sight('first', { phase: 'starting' }, { why: 'tcp://:1: connection refused' }),
    sight('work', {}),
  ];
  assert.deepEqual(formatStatus(statusOf(pod, 'e')).split('\n'), [
    'NAME    ROLE     PHASE     SINCE  CODE  RESTARTS  ATTEMPT',
    'first   sidecar  starting  1s     -     0         1        not ready: tcp://:1: connection refused; waits for work (waiting)',
    'second  sidecar  absent    -      -     0         0',
    'work    main     waiting   1s     -     0         1        waits for first (running, not ready yet: tcp://:1: connection refused), second (not running yet)',
    '',
  ]);
});

test('P10 a card is read as it was written, and anything else is none', () => {
  for (const card of [CARD, { ...CARD, restarts: 3, code: 137 }]) {
    assert.deepEqual(parseCard(formatCard(card)), card);
    assert.deepEqual(parseCard(`${formatCard(card)}left behind`), card);
  }
  const many = Array.from({ length: 128 }, (_, i) => `sidecar-${i}`.padEnd(63, 'x'));
  const long = formatCard({ ...CARD, sidecars: many });
  assert.ok(long.length <= CARD_SIZE);
  assert.deepEqual(parseCard(long), { ...CARD, mains: [], sidecars: [] });
  for (const text of ['', 'card1 ', 'card1 null', 'card1 {"role":"king"}', `card2 ${formatCard(CARD)}`])
    assert.equal(parseCard(text), undefined, text);
  const wrong = { ...CARD, mains: ['ok', 'Not', '\u001b', 7, 'x'.repeat(64)], restarts: -1, code: 256 };
  assert.deepEqual(parseCard(`card1 ${JSON.stringify(wrong)}\n`), { ...CARD, mains: ['ok'] });
});
