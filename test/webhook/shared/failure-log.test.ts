import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailureLog } from '../../../webhook/shared/failure-log.ts';

const MINUTE = 60_000;

test('a failure is reported when it is new, when its message changes, and every ten minutes while it lasts', () => {
  let now = 0;
  const reported: string[] = [];
  const failures = new FailureLog(
    { failure: (message) => reported.push(message), recovered: (what) => reported.push(`${what} again`) },
    () => now,
  );
  const after = (ms: number, message: string) => {
    now += ms;
    failures.report('read', message);
    return reported.splice(0);
  };
  assert.deepEqual(after(0, 'a'), ['a']);
  assert.deepEqual(after(9 * MINUTE, 'a'), []);
  assert.deepEqual(after(MINUTE, 'a'), ['a']);
  assert.deepEqual(after(1, 'b'), ['b']);
  assert.equal(failures.message(), 'b');
  failures.clear('write');
  failures.clear('read');
  failures.clear('read');
  assert.deepEqual(reported.splice(0), ['read again']);
  assert.equal(failures.message(), undefined);
  assert.deepEqual(after(1, 'b'), ['b']);
});
