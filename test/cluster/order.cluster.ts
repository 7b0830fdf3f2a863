/** The order in which containers start, and in which they stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes, linesOf, Namespace, statusOf, when } from './cluster.ts';
import { timeout } from './kubectl.ts';
import { touch } from './lifecycle/scratch.ts';
import { job, pod, sidecars, steps } from './manifests.ts';

test('L1 L2 L6 sidecars start in order, each once the one before is ready, and stop in reverse', async (t) => {
  const ns = await Namespace.make(t, 'order');
  const containers = [
    steps('main', 'say working exit 0'),
    steps('first', 'say up sleep 2 listen 7001 wait sleep 1 say gone exit 0'),
    steps('second', 'say up sleep 1 listen 7002 wait sleep 1 say gone exit 1'),
  ];
  const annotations = {
    ...sidecars('first', 'second'),
    'ready.curfew.dev/first': 'tcp://:7001',
    'ready.curfew.dev/second': 'tcp://:7002',
  };
  await ns.create(job('migrate', containers, { annotations }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Succeeded');
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 0, first: 0, second: 0 });
  const main = await ns.lines(name, 'main');
  const first = await ns.lines(name, 'first');
  const second = await ns.lines(name, 'second');
  const order = [
    when(first, 'up'),
    when(first, 'listening'),
    when(second, 'up'),
    when(second, 'listening'),
    when(main, 'working'),
    when(second, 'got TERM'),
    when(second, 'gone'),
    when(first, 'got TERM'),
    when(first, 'gone'),
  ];
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});

test('L12 a deleted pod: the main gets TERM at once, the sidecar only when the main has gone', async (t) => {
  const ns = await Namespace.make(t, 'deletion');
  const containers = [
    steps('main', 'say working wait sleep 4 say gone exit 0'),
    steps('proxy', 'say up wait say gone exit 0'),
  ];
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy') }));
  await ns.said('worker', 'main', 'working');
  const followed = [ns.follow('worker', 'main'), ns.follow('worker', 'proxy')];
  const asked = Date.now();
  await ns.kubectl('delete', 'pod', 'worker', '--wait=false');
  const [main = [], proxy = []] = (await Promise.all(followed)).map(linesOf);
  assert.ok(when(main, 'got TERM') >= asked);
  const order = [when(main, 'got TERM'), when(main, 'gone'), when(proxy, 'got TERM'), when(proxy, 'gone')];
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});

test('L14 a pod deleted while its main still waits goes at once, and the main never runs', async (t) => {
  const ns = await Namespace.make(t, 'early');
  const containers = [steps('main', 'say working exit 0'), steps('proxy', 'say up wait exit 0')];
  const annotations = { ...sidecars('proxy'), 'ready.curfew.dev/proxy': 'tcp://:7001' };
  const spec = { terminationGracePeriodSeconds: 600 };
  await ns.create(pod('worker', containers, { annotations, spec }));
  await ns.said('worker', 'proxy', 'up');
  const output = ns.follow('worker', 'main');
  await ns.kubectl('delete', 'pod', 'worker', timeout(120));
  assert.deepEqual(linesOf(await output), []);
});

test('L15 a preStop hook that delays the TERM of a main keeps its sidecar too', async (t) => {
  const ns = await Namespace.make(t, 'pre-stop');
  const lifecycle = { preStop: { exec: { command: ['/steps', 'sleep', '4'] } } };
  const containers = [
    steps('main', 'say working wait say gone exit 0', { lifecycle }),
    steps('proxy', 'say up wait exit 0'),
  ];
  await ns.create(pod('worker', containers, { annotations: sidecars('proxy') }));
  await ns.said('worker', 'main', 'working');
  const followed = [ns.follow('worker', 'main'), ns.follow('worker', 'proxy')];
  await ns.kubectl('delete', 'pod', 'worker', '--wait=false');
  const [main = [], proxy = []] = (await Promise.all(followed)).map(linesOf);
  const order = [when(main, 'got TERM'), when(main, 'gone'), when(proxy, 'got TERM')];
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});

test('L4 a start-timeout that runs out ends the pod with 124 and names the sidecar', async (t) => {
  const ns = await Namespace.make(t, 'start-timeout');
  const containers = [steps('main', 'say working exit 0'), steps('proxy', 'say up tick exit 143')];
  const annotations = {
    ...sidecars('proxy'),
    'ready.curfew.dev/proxy': 'tcp://:7001',
    'curfew.dev/start-timeout': '2s',
  };
  await ns.create(job('migrate', containers, { annotations }));
  const name = await ns.podOf('migrate');
  await ns.waitForPhase(name, 'Failed');
  assert.deepEqual(exitCodes(await ns.pod(name)), { main: 124, proxy: 0 });
  assert.match(await ns.log(name, 'main'), /^curfew: .*proxy/m);
});

for (const how of ['end of work', 'deletion'] as const) {
  test(`P7 an image's own stop signal, ${how}`, async (t) => {
    const ns = await Namespace.make(t, 'stop-signal');
    const image = 'localhost/quit:1';
    const end = how === 'deletion' ? 'wait sleep 1 say gone exit 0' : 'exit 0';
    const containers = [
      steps('main', `say working ${end}`, { image }),
      steps('proxy', 'say up wait exit 1', { image }),
    ];
    const annotations = {
      ...sidecars('proxy'),
      'stop-signal.curfew.dev/main': 'QUIT',
      'stop-signal.curfew.dev/proxy': 'QUIT',
    };
    await ns.create(pod('worker', containers, { annotations }));
    await ns.said('worker', 'main', 'working');
    const followed = [ns.follow('worker', 'main'), ns.follow('worker', 'proxy')];
    if (how === 'deletion') await ns.kubectl('delete', 'pod', 'worker', '--wait=false');
    const [main = [], proxy = []] = (await Promise.all(followed)).map(linesOf);
    assert.deepEqual(
      proxy.map((line) => line.text),
      ['up', 'got QUIT'],
    );
    if (how === 'deletion') {
      assert.deepEqual(
        main.map((line) => line.text),
        ['working', 'got QUIT', 'gone'],
      );
      assert.ok(when(main, 'gone') <= when(proxy, 'got QUIT'));
    }
  });
}

test('L13 a sidecar that fails its liveness probe gets its TERM although the main still runs', async (t) => {
  const ns = await Namespace.make(t, 'liveness');
  const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
  const alive = '/scratch/alive';
  const containers = [
    // The main ends only after the kubelet has started the sidecar a second time.
    steps('main', `await ${alive} remove ${alive} await ${alive} say back await /scratch/go exit 0`, {
      volumeMounts,
    }),
    steps('proxy', `touch ${alive} say up wait exit 143`, {
      volumeMounts,
      livenessProbe: { exec: { command: ['/steps', 'have', alive] }, periodSeconds: 1, failureThreshold: 2 },
    }),
  ];
  const spec = {
    restartPolicy: 'OnFailure',
    terminationGracePeriodSeconds: 60,
    volumes: [{ name: 'scratch', emptyDir: {} }],
  };
  await ns.create(job('migrate', containers, { annotations: sidecars('proxy'), spec }));
  const name = await ns.podOf('migrate');
  // 137 would say that it held its TERM until the kubelet killed it.
  assert.equal(await ns.codeBeforeRestart(name, 'proxy'), 143);
  await touch(ns, name, 'main', '/scratch/go');
  await ns.waitForPhase(name, 'Succeeded');
  const finished = await ns.pod(name);
  assert.deepEqual(exitCodes(finished), { main: 0, proxy: 0 });
  assert.equal(statusOf(finished, 'main')?.restartCount, 0);
});
