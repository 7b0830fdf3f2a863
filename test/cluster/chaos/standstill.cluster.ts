/** Processes that are stopped for ten seconds, and containers that start half a minute late. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1EnvVar } from '@kubernetes/client-node';
import { Namespace } from '../cluster.ts';
import { kubectl, until } from '../kubectl.ts';
import { pod, sidecars } from '../manifests.ts';
import { type Process, shimOf, signal } from '../node/local.ts';
import { assertEnds } from './ending.ts';
import { Store } from './store.ts';

const ROLES = { mains: ['main'], sidecars: ['proxy'] };
const annotations = sidecars('proxy');
const WELL = { phase: 'Succeeded' as const, codes: { main: 0, proxy: 0 } };
/** How long a process is stopped: longer than any period of the shim but the grace period. */
const STANDSTILL = 10_000;

type Part = 'shim' | 'process' | 'container';
/** `work`: the main ends while it or the sidecar is stopped. `stop`: the sidecar is told to end while it is stopped. */
const CASES: { who: string; part: Part; during: 'work' | 'stop' }[] = [
  { who: 'main', part: 'shim', during: 'work' },
  { who: 'main', part: 'process', during: 'work' },
  { who: 'main', part: 'container', during: 'work' },
  { who: 'proxy', part: 'shim', during: 'work' },
  { who: 'proxy', part: 'process', during: 'stop' },
  { who: 'proxy', part: 'container', during: 'stop' },
];

function partOf(uid: string, who: string, part: Part): Process[] {
  const found = shimOf(uid, who);
  assert.ok(found, `${who} runs`);
  const { shim, others } = found;
  return part === 'shim' ? [shim] : part === 'process' ? others : [shim, ...others];
}

async function standsStill(t: TestContext, { who, part, during }: (typeof CASES)[number]): Promise<void> {
  const ns = await Namespace.make(t, `${who}-${part}`);
  const store = new Store(ns.name);
  const main = store.steps('main', 'say working await /store/go say done exit 0');
  const proxy = store.keeper('proxy', {}, '', 'say stopping await /store/end');
  const spec = { volumes: [store.volume] };
  await ns.create(pod('worker', [main, proxy], { annotations, spec }));
  await ns.said('worker', 'main', 'working');
  if (during === 'work') store.touch('end');
  else {
    store.touch('go');
    await ns.said('worker', 'proxy', 'stopping');
  }
  const { uid } = (await ns.pod('worker')).metadata;
  const targets = partOf(uid, who, part);
  assert.equal(signal(targets, 'SIGSTOP'), targets.length);
  store.touch('go', 'end');
  await delay(STANDSTILL);
  assert.equal((await ns.pod('worker')).status.phase, 'Running');
  assert.deepEqual(partOf(uid, who, part), targets, 'nothing was taken from it');
  signal(targets, 'SIGCONT');
  await assertEnds(ns, 'worker', ROLES, { ...WELL, store });
}

/** A container with this in its environment is not created before the ConfigMap exists. The pod's other containers are. */
const LATE: V1EnvVar[] = [{ name: 'LATE', valueFrom: { configMapKeyRef: { name: 'late', key: 'value' } } }];

async function comesLate(t: TestContext, who: string): Promise<void> {
  const ns = await Namespace.make(t, `late-${who}`);
  const store = new Store(ns.name);
  const env = (name: string) => (name === who ? { env: LATE } : {});
  const main = store.steps('main', 'say working await /store/go say done exit 0');
  const containers = [
    { ...main, ...env('main') },
    { ...store.keeper('proxy'), ...env('proxy') },
  ];
  await ns.create(pod('worker', containers, { annotations, spec: { volumes: [store.volume] } }));
  await ns.waitFor(
    'pod/worker',
    `{.status.containerStatuses[?(@.name=="${who}")].state.waiting.reason}`,
    'CreateContainerConfigError',
  );
  if (who === 'main') {
    await ns.said('worker', 'proxy', 'up');
    await delay(3 * STANDSTILL);
  } else {
    await until('the main has waited for 30 s', async () => {
      const log = await kubectl(['-n', ns.name, 'logs', 'worker', '-c', 'main']);
      return log.stdout.includes('curfew: waiting for sidecar proxy (not running yet) (30 s)') || undefined;
    });
  }
  assert.equal((await ns.pod('worker')).status.phase, 'Pending');
  await ns.kubectl('create', 'configmap', 'late', '--from-literal=value=here');
  for (const [name, text] of Object.entries({ proxy: 'up', main: 'working' }))
    await ns.said('worker', name, text);
  store.touch('go');
  await assertEnds(ns, 'worker', ROLES, { ...WELL, store });
}

describe('standstill', { concurrency: true }, () => {
  for (const item of CASES) {
    const what = item.part === 'container' ? 'all' : `the ${item.part}`;
    const when = item.during === 'work' ? 'the work ends' : 'it is to end';
    test(`L6 L8 ${what} of the ${item.who} is stopped for 10 s while ${when}`, (t) => standsStill(t, item));
  }
  test('L2 a sidecar whose shim starts 30 s late is waited for', (t) => comesLate(t, 'proxy'));
  test('L10 a main whose shim starts 30 s late finds its sidecar', (t) => comesLate(t, 'main'));
});
