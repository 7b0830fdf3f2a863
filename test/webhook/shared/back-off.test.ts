import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackOff, RewriteBackOff } from '../../../webhook/shared/back-off.ts';

const MINUTE = 60_000;

test('the wait doubles up to its limit, with jitter, and is short again after a success', () => {
  const backOff = new BackOff(100, 1_000);
  const waits = Array.from({ length: 50 }, () => backOff.next());
  for (const [attempt, wait] of waits.entries()) {
    const full = Math.min(1_000, 100 * 2 ** attempt);
    assert.ok(wait >= full / 2 && wait <= full, `${attempt}: ${wait}`);
  }
  backOff.reset();
  assert.ok(backOff.next() <= 100);
});

test('a write that is undone each time is repeated at once at first, then with growing waits, until it stays', () => {
  let now = 0;
  const backOff = new RewriteBackOff(() => now);
  for (let times = 0; times <= 5; times++) {
    assert.ok(backOff.wait() <= 0);
    assert.equal(backOff.written('bundle'), times);
    assert.ok(!backOff.contested);
  }
  let longest = 0;
  for (let times = 6; times < 20; times++) {
    backOff.written('bundle');
    assert.ok(backOff.contested);
    const wait = backOff.wait();
    assert.ok(wait > 0);
    longest = Math.max(longest, wait);
    now += wait;
  }
  assert.ok(longest >= 15_000 && longest <= 30_000, `${longest}`);
  now += MINUTE;
  assert.ok(!backOff.contested, 'it is over when nothing was undone for a minute');
  assert.equal(backOff.written('bundle'), 0);
  assert.ok(backOff.wait() <= 0);
  backOff.written('bundle');
  assert.equal(backOff.written('another bundle'), 0, 'a new text is not a rewrite');
});
