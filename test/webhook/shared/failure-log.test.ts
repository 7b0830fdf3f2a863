import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Insistence, Patience, Troubles } from '../../../webhook/shared/failure-log.ts';

const MINUTE = 60_000;

test('a trouble is told when it is new, when it changes, and every ten minutes as long as it lasts', () => {
  let now = 0;
  const told: string[] = [];
  const troubles = new Troubles(
    { trouble: (message) => told.push(message), recovered: (what) => told.push(`${what} again`) },
    () => now,
  );
  const after = (ms: number, message: string) => {
    now += ms;
    troubles.note('read', message);
    return told.splice(0);
  };
  assert.deepEqual(after(0, 'a'), ['a']);
  assert.deepEqual(after(9 * MINUTE, 'a'), []);
  assert.deepEqual(after(MINUTE, 'a'), ['a']);
  assert.deepEqual(after(1, 'b'), ['b']);
  assert.equal(troubles.message(), 'b');
  troubles.clear('write');
  troubles.clear('read');
  troubles.clear('read');
  assert.deepEqual(told.splice(0), ['read again']);
  assert.equal(troubles.message(), undefined);
  assert.deepEqual(after(1, 'b'), ['b']);
});

test('patience grows to its bound, and is short again after success', () => {
  const patience = new Patience(100, 1_000);
  const waits = Array.from({ length: 50 }, () => patience.next());
  for (const [attempt, wait] of waits.entries()) {
    const full = Math.min(1_000, 100 * 2 ** attempt);
    assert.ok(wait >= full / 2 && wait <= full, `${attempt}: ${wait}`);
  }
  patience.reset();
  assert.ok(patience.next() <= 100);
});

test('what somebody undoes each time is written at once at first, then more and more slowly, until they stop', () => {
  let now = 0;
  const insistence = new Insistence(() => now);
  for (let times = 0; times <= 5; times++) {
    assert.ok(insistence.pause() <= 0);
    assert.equal(insistence.wrote('bundle'), times);
    assert.ok(!insistence.contested);
  }
  let longest = 0;
  for (let times = 6; times < 20; times++) {
    insistence.wrote('bundle');
    assert.ok(insistence.contested);
    const pause = insistence.pause();
    assert.ok(pause > 0);
    longest = Math.max(longest, pause);
    now += pause;
  }
  assert.ok(longest >= 15_000 && longest <= 30_000, `${longest}`);
  now += MINUTE;
  assert.equal(insistence.wrote('bundle'), 0);
  assert.ok(insistence.pause() <= 0);
  insistence.wrote('bundle');
  assert.equal(insistence.wrote('another bundle'), 0, 'what is new is nobody’s undoing');
});
