import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app, jobPod, mutation, proxy } from './mutated-pod.ts';

const S = { 'curfew.dev/sidecars': 'proxy' };
const sh = (line: string) => ({ exec: { command: ['sh', '-c', line] } });
const preStop = (hook: object) => ({ lifecycle: { preStop: hook } });
/** What is said of process 1 where a main has these fields. */
const said = (fields: object, spec: object = {}) =>
  mutation(jobPod(S, [app(fields), proxy()], spec)).warnings.filter((text) => text.includes('process 1'));

test('W8 a hook that names process 1 gives a warning', () => {
  assert.deepEqual(said(preStop(sh('kill 1'))), [
    'Curfew: main app: its preStop hook names process 1, which is the shim: a signal to it is passed on to the command, anything else meets ' +
      'the shim; find the command by its name',
  ]);
  for (const line of [
    'kill -TERM 1',
    'kill -s TERM 1; sleep 5',
    'kill -15 1&&true',
    '/bin/kill -- 1',
    'sleep 3 && kill -QUIT 1 || true',
    'jcmd 1 Thread.print',
    'jstack -l 1',
    'gdb -p 1',
    'py-spy dump --pid=1',
    'pkill -P 1',
    'nsenter -t 1 -m true',
    'cat /proc/1/status',
    'test -d /proc/1',
    'readlink /proc/1/fd/10',
  ])
    assert.equal(said(preStop(sh(line))).length, 1, line);
  assert.equal(said(preStop({ exec: { command: ['kill', '-TERM', '1'] } })).length, 1);
});

test('W8 each probe and hook that does is named', () => {
  const exec = sh('kill -0 1');
  assert.match(
    said({
      startupProbe: exec,
      livenessProbe: exec,
      readinessProbe: exec,
      lifecycle: { postStart: exec, preStop: exec },
    }).join(),
    /its startup probe and liveness probe and readiness probe and postStart hook and preStop hook name process 1/,
  );
  const warnings = mutation(jobPod(S, [app(), proxy({ livenessProbe: exec })])).warnings;
  assert.match(warnings.join(), /sidecar proxy: its liveness probe names process 1/);
});

test('W8 none where it is another process, or means the same', () => {
  for (const line of [
    'kill -1 12',
    'kill 10',
    'kill $(cat /run/x.pid)',
    'pkill -x nginx',
    'curl -p 1.2.3.4',
    'jcmd 17 GC.run',
    'echo done > /proc/1/fd/1',
    'xargs -0 -a /proc/1/environ',
    'cat /proc/10/status',
    'sleep 1',
  ])
    assert.deepEqual(said(preStop(sh(line))), [], line);
  assert.deepEqual(said(preStop({ httpGet: { port: 80, path: '/proc/1/' } })), []);
  assert.deepEqual(said(preStop(sh('kill 1')), { shareProcessNamespace: true }), []);
  assert.deepEqual(said(preStop(sh('kill 1')), { hostPID: true }), []);
});
