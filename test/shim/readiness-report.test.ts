/** Rule P8: why a sidecar is not ready yet, in which words, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Readiness } from '../../shim/protocol.ts';
import { type Outcome, ReadinessReport } from '../../shim/readiness-report.ts';

const HTTP: Readiness = { kind: 'http', port: 8080, path: '/healthz', headers: [] };
const REFUSED: Outcome = { kind: 'errno', errno: -111 };

/** The line that a try with these outcomes is worth, once it is time for one. */
function lineOf(ready: Readiness, outcomes: Outcome[], timeout = 1_000): string | undefined {
  const report = new ReadinessReport(ready, timeout);
  report.start(5_000);
  for (const outcome of outcomes) report.note(outcome);
  return report.failed(15_000);
}

test('P8 why a sidecar is not ready is said after 10 s, and then after pauses that double up to 5 min', () => {
  const report = new ReadinessReport(HTTP, 1_000);
  report.start(5_000);
  const said: string[] = [];
  for (let at = 5_000; at <= 1_500_000; at += 250) {
    report.note(REFUSED);
    const line = report.failed(at);
    if (line !== undefined) said.push(line);
  }
  assert.equal(said[0], 'not ready yet (10 s): http://:8080/healthz: connection refused');
  const seconds = said.map((line) => Number(line.split('(')[1]?.split(' ')[0]));
  assert.deepEqual(seconds, [10, 30, 70, 150, 310, 610, 910, 1210]);
  // The process was started again.
  report.start(2_000_000);
  report.note(REFUSED);
  assert.equal(report.failed(2_009_999), undefined);
  report.note(REFUSED);
  assert.match(report.failed(2_010_000) ?? '', /^not ready yet \(10 s\)/);
});

test('P8 where several addresses are tried, the one that answered is named, and a missing one is not', () => {
  const answered: Outcome = { kind: 'status', status: 503, address: '10.1.2.3' };
  const silent: Outcome = { kind: 'silent', address: 'fd00::1' };
  const noSuch: Outcome = { kind: 'errno', errno: -99 };
  assert.match(
    lineOf(HTTP, [noSuch, REFUSED, silent, answered]) ?? '',
    /: http:\/\/10\.1\.2\.3:8080\/healthz answered 503$/,
  );
  assert.match(lineOf(HTTP, [answered, silent, REFUSED]) ?? '', /answered 503$/);
  assert.match(
    lineOf(HTTP, [noSuch, silent, REFUSED], 2_500) ?? '',
    /http:\/\/\[fd00::1\]:8080\/healthz: no answer within 2\.5 s$/,
  );
  assert.match(lineOf(HTTP, [noSuch, REFUSED]) ?? '', /http:\/\/:8080\/healthz: connection refused$/);
});

test('P8 W9 nothing that may be secret is said of a condition, and nothing long hides the reason', () => {
  const exec: Readiness = { kind: 'exec', command: ['redis-cli', '-a', 'hunter2', 'ping'] };
  assert.equal(lineOf(exec, [{ kind: 'exited', code: 1 }]), 'not ready yet (10 s): redis-cli: exited 1');
  const http: Readiness = { ...HTTP, path: '/ready?token=hunter2', headers: ['Authorization: hunter2'] };
  assert.equal(lineOf(http, [REFUSED]), 'not ready yet (10 s): http://:8080/ready: connection refused');
  const long = lineOf({ kind: 'exec', command: ['x'.repeat(100_000)] }, [{ kind: 'exited', code: 3 }]) ?? '';
  assert.ok(long.length < 300 && long.endsWith('...: exited 3'), long);
});
