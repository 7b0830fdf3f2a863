/**
 * 20 pods a second during faults of the webhook: no pod is lost, and none runs without Curfew. During a rolling restart and after the
 * loss of the Secret no attempt is refused either.
 */
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { mustKubectl, until } from '../kubectl.ts';
import { INJECTED, restrictedNamespace } from './confined.ts';
import { processOf } from './containers.ts';
import { Load, type Outcome } from './load.ts';
import { Release } from './release.ts';

const PER_SECOND = 20;

let installed: Promise<Release> | undefined;
function release(): Promise<Release> {
  installed ??= Release.install();
  return installed;
}
after(() => Release.removeAll());

/** Cause an event while pods are created, from 20 pods before to 40 pods after it. */
async function underLoad(t: TestContext, what: (curfew: Release) => Promise<unknown>): Promise<Outcome> {
  const curfew = await release();
  const ns = await restrictedNamespace(t, 'load', INJECTED);
  const load = new Load(ns.name, PER_SECOND);
  let outcome: Outcome;
  try {
    await load.more(PER_SECOND);
    await what(curfew);
    await load.more(2 * PER_SECOND);
  } finally {
    outcome = await load.stop();
  }
  const { asked, injected, uninjected, refusals } = outcome;
  t.diagnostic(`${asked} pods, ${injected} injected, ${refusals.length} attempts refused and repeated`);
  for (const text of new Set(refusals)) t.diagnostic(`refused: ${text}`);
  assert.equal(uninjected, 0);
  assert.equal(injected, asked);
  return outcome;
}

test('a rolling restart refuses no pod', async (t) => {
  const { refusals } = await underLoad(t, async (curfew) => {
    const old = await curfew.replicas();
    await curfew.kubectl('rollout', 'restart', 'deployment/curfew');
    await curfew.rolledOut();
    const left = (await curfew.replicas()).filter(({ name }) => old.some((pod) => pod.name === name));
    assert.deepEqual(left, []);
    // Until the last of the old pods is gone, and not only until the new ones are ready.
    await Promise.all(
      old.map(({ name }) => curfew.kubectl('wait', '--for=delete', `pod/${name}`, '--timeout=60s')),
    );
  });
  assert.deepEqual(refusals, []);
});

for (const [whom, count] of [
  ['one replica', 1],
  ['all replicas at once', 2],
] as const) {
  test(`kill -9 of ${whom}: refused pods are created by the next attempts`, async (t) => {
    const { refusals } = await underLoad(t, async (curfew) => {
      const victims = (await curfew.replicas()).slice(0, count);
      assert.equal(victims.length, count);
      for (const { container } of victims) process.kill(processOf(container), 'SIGKILL');
      for (const { name, container } of victims) {
        await until(`another container in ${name}`, async () => {
          const now = (await curfew.replicas()).find((replica) => replica.name === name);
          return now !== undefined && now.container !== container ? true : undefined;
        });
        await curfew.kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=60s');
      }
    });
    // Otherwise the test would not cover the next attempts.
    if (count === 2) assert.notEqual(refusals.length, 0);
  });
}

test('the Secret deleted: it comes back, the trust stays, and no pod is refused', async (t) => {
  const { refusals } = await underLoad(t, async (curfew) => {
    const authorities = await curfew.authorities();
    const name = 'secret/curfew-tls';
    const key = await curfew.kubectl('get', name, '-o', 'jsonpath={.metadata.uid} {.data.tls\\.crt}');
    await curfew.kubectl('delete', name);
    await until('another Secret with a certificate', async () => {
      const now = await curfew.kubectl(
        ...['get', name, '--ignore-not-found', '-o', 'jsonpath={.metadata.uid} {.data.tls\\.crt}'],
      );
      return now !== '' && now.split(' ')[0] !== key.split(' ')[0] && now.split(' ')[1] !== ''
        ? true
        : undefined;
    });
    for (const authority of authorities.split(/(?<=-----END CERTIFICATE-----\n)/)) {
      assert.ok((await curfew.authorities()).includes(authority));
    }
  });
  assert.deepEqual(refusals, []);
});

test("caBundle overwritten with another authority's: it heals each time, and what is refused meanwhile is repeated", async (t) => {
  await underLoad(t, async (curfew) => {
    const authorities = await curfew.authorities();
    const path = '/webhooks/0/clientConfig/caBundle';
    // The cluster's own authority is valid, but has not signed the webhook's certificate.
    const stranger = await curfew.kubectl(
      ...['get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data.ca\\.crt}'],
    );
    const value = Buffer.from(stranger).toString('base64');
    for (let time = 0; time < 5; time++) {
      await mustKubectl([
        ...['patch', 'mutatingwebhookconfiguration', curfew.name, '--type=json'],
        ...['-p', JSON.stringify([{ op: 'replace', path, value }])],
      ]);
      await until('the caBundle to be healed', async () =>
        (await curfew.authorities()) === authorities ? true : undefined,
      );
    }
  });
});
