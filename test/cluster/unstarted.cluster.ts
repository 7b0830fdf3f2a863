/** Rules L20, L21 and P10 in the cluster: a sidecar whose command is not there is seen by all that show a pod. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Namespace, type Pod, statusOf } from './cluster.ts';
import { mustKubectl, until } from './kubectl.ts';
import { codesOf } from './lifecycle/way.ts';
import { pod, sidecars, steps } from './manifests.ts';

const LABELS = { 'curfew.dev/injection': 'enabled' };
const missing = () => steps('proxy', '', { command: ['no-such-proxy', '--flag'] });
const REASON = 'curfew: "no-such-proxy": command not found in PATH\n';

/** What the kubelet keeps of a container's last end. */
const lastEnd = (found: Pod, name: string) => {
  const status = statusOf(found, name);
  return status?.state.terminated ?? status?.lastState.terminated;
};

describe('a sidecar whose command is not there', { concurrency: 3 }, () => {
  test('L20 L21 P10 OnFailure: the kubelet counts its restarts, backs off and says why; `status` tells who waits', async (t) => {
    const ns = await Namespace.make(t, 'unstarted-onfailure', LABELS);
    const containers = [steps('main', 'say working exit 0'), missing()];
    const spec = { restartPolicy: 'OnFailure' };
    await ns.create(pod('worker', containers, { annotations: sidecars('proxy'), spec }));
    const found = await until('proxy waits in CrashLoopBackOff', async () => {
      const seen = await ns.pod('worker');
      const status = statusOf(seen, 'proxy');
      const isSeen = status?.state.waiting?.reason === 'CrashLoopBackOff' && status.restartCount >= 1;
      return isSeen ? seen : undefined;
    });
    const end = lastEnd(found, 'proxy');
    assert.deepEqual([end?.exitCode, end?.message], [127, REASON]);
    const exec = [
      '-n',
      ns.name,
      'exec',
      'worker',
      '-c',
      'main',
      '--',
      '/curfew/bin/curfew-shim',
      'status',
      '--output',
      'json',
    ];
    const answer: unknown = JSON.parse(await mustKubectl(exec));
    assert.ok(typeof answer === 'object' && answer !== null && 'containers' in answer);
    const words = 'ended with code 127, to be started again by the kubelet: see its log';
    assert.match(
      JSON.stringify(answer.containers),
      new RegExp(`"name":"main",.*"waitsFor":\\[\\{"name":"proxy","why":"${words}"`),
    );
    await until(
      'the main says so',
      async () =>
        (await ns.log('worker', 'main')).includes(`waiting for sidecar proxy (${words})`) || undefined,
    );
    assert.equal(statusOf(await ns.pod('worker'), 'main')?.restartCount, 0);
  });

  test('L20 L21 Never: the pod fails, and both containers say why', async (t) => {
    const ns = await Namespace.make(t, 'unstarted-never', LABELS);
    const containers = [steps('main', 'say working exit 0'), missing()];
    await ns.create(pod('worker', containers, { annotations: sidecars('proxy') }));
    await ns.waitForPhase('worker', 'Failed');
    const found = await ns.pod('worker');
    assert.deepEqual(codesOf(found, 'main', 'proxy'), [125, 127]);
    assert.equal(lastEnd(found, 'proxy')?.message, REASON);
    const words =
      'sidecar proxy ended with code 127 and will not be started again (see its log): cannot start';
    assert.equal(lastEnd(found, 'main')?.message, `curfew: ${words}\n`);
  });

  test('L21 another path is used, and the log’s end where that is the message', async (t) => {
    const ns = await Namespace.make(t, 'message-paths', LABELS);
    const main = (name: string, more: object) => steps(name, '', { command: ['no-such-program'], ...more });
    const containers = [
      main('elsewhere', { terminationMessagePath: '/elsewhere/message' }),
      main('log', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
      steps('proxy', 'say up wait exit 143'),
    ];
    await ns.create(pod('worker', containers, { annotations: sidecars('proxy') }));
    await ns.waitForPhase('worker', 'Failed');
    const found = await ns.pod('worker');
    const words = 'curfew: "no-such-program": command not found in PATH\n';
    for (const name of ['elsewhere', 'log']) assert.equal(lastEnd(found, name)?.message, words, name);
  });
});
