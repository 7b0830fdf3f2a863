import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type CertificateSpec, settlingTime } from '../../../webhook/certificate/authority.ts';
import { authoritiesIn } from '../../../webhook/certificate/secret-state.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SPEC: CertificateSpec = {
  names: ['curfew.curfew.svc'],
  lifetime: HOUR,
  caLifetime: 4 * HOUR,
  jitter: 0.5,
};
const TOLERANCE = SPEC.lifetime / 10;

/** An event. `begin` starts a reconciliation, and `go` lets a waiting call of one go on. */
type ClusterEvent =
  | { do: 'begin' | 'go'; which: number }
  | { do: 'pass'; ms: number }
  | { do: 'restart' | 'step'; which: number; skew: number }
  | { do: 'lose' | 'damage' };

const which = fc.nat(11);
const skew = fc.integer({ min: -TOLERANCE, max: TOLERANCE });
const event: fc.Arbitrary<ClusterEvent> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('begin' as const), which }) },
  { weight: 24, arbitrary: fc.record({ do: fc.constant('go' as const), which }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40 * MINUTE }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), which, skew }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('step' as const), which, skew }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'damage' as const) }) },
);

async function perform(cluster: SimulatedCluster, next: ClusterEvent): Promise<void> {
  const count = cluster.replicas.length;
  switch (next.do) {
    case 'begin':
      cluster.begin(next.which % count);
      break;
    case 'go':
      await cluster.letGo(next.which);
      break;
    case 'pass':
      cluster.now += next.ms;
      break;
    case 'restart':
      cluster.restart(next.which % count, next.skew);
      break;
    case 'step': {
      const replica = cluster.replicas[next.which % count];
      if (replica !== undefined) replica.skew = next.skew;
      break;
    }
    case 'lose':
      cluster.setSecret(undefined);
      break;
    case 'damage':
      cluster.setSecret(new Map([...(cluster.secret?.data ?? [])].map(([key]) => [key, 'rubbish'])));
      break;
  }
}

/** Wait until no replica writes any more, and all settling times are over. */
async function rest(cluster: SimulatedCluster): Promise<void> {
  for (const replica of cluster.replicas) replica.skew = 0;
  for (let i = 0; i < 4; i++) {
    await cluster.quiet();
    cluster.now += settlingTime(SPEC, false) + 1;
  }
  await cluster.quiet();
}

function assertSameLeaf(cluster: SimulatedCluster): void {
  const prints = new Set(cluster.replicas.map(({ reconciler }) => reconciler.served?.fingerprint));
  assert.equal(prints.size, 1, 'all serve the same leaf');
  assert.ok(cluster.replicas.every(({ ready, reconciler: { served } }) => ready && served !== undefined));
  const [first] = cluster.replicas;
  assert.ok((first?.reconciler.served?.notAfter ?? 0) > cluster.now, 'and it is alive');
  assert.deepEqual(cluster.faults(), []);
}

describe('replicas in any order', () => {
  test('every served leaf is trusted by every caBundle that an API server may see, and all replicas serve the same one in the end', async () => {
    const seen = { served: 0, promoted: 0, renewed: 0, restored: 0, conflicts: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 3 }),
        fc.boolean(),
        fc.array(event, { minLength: 40, maxLength: 160 }),
        async (replicas, running, events) => {
          const cluster = new SimulatedCluster(SPEC, replicas);
          if (running) await rest(cluster);
          for (const [index, next] of events.entries()) {
            await perform(cluster, next);
            const faults = cluster.faults();
            assert.deepEqual(faults, [], `after event ${index}: ${JSON.stringify(next)}`);
            if (cluster.replicas.some(({ ready }) => ready)) seen.served++;
          }
          await rest(cluster);
          assertSameLeaf(cluster);
          const told = cluster.told.join('\n');
          for (const step of ['promoted', 'renewed', 'restored'] as const) {
            seen[step] += told.split(`["${step}"`).length - 1;
          }
          assert.doesNotMatch(told, /PRIVATE KEY|BEGIN CERT/);
        },
      ),
      { numRuns: 150 },
    );
    for (const what of ['served', 'promoted', 'renewed', 'restored'] as const) {
      assert.ok(seen[what] > 50, `${what} ${seen[what]} times`);
    }
  });

  test('all replicas serve the same leaf in the end, whatever is written into the caBundle meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(event, fc.constantFrom('', 'rubbish', 'half')), { minLength: 10, maxLength: 60 }),
        async (events) => {
          const cluster = new SimulatedCluster(SPEC, 2);
          for (const next of events) {
            if (next === 'half') cluster.caBundle = cluster.caBundle.slice(0, 300);
            else if (typeof next === 'string') cluster.caBundle = next;
            else await perform(cluster, next);
          }
          await rest(cluster);
          assertSameLeaf(cluster);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('over the lifetimes of many authorities the caBundle never holds more than three', async () => {
    const cluster = new SimulatedCluster(SPEC, 2);
    await rest(cluster);
    let most = 0;
    for (let i = 0; i < 300; i++) {
      cluster.now += 5 * MINUTE;
      await cluster.quiet();
      assert.deepEqual(cluster.faults(), []);
      assertSameLeaf(cluster);
      most = Math.max(most, authoritiesIn(cluster.caBundle).length);
    }
    assert.ok(most === 2 || most === 3, `${most}`);
    assert.ok(cluster.told.filter((line) => line.startsWith('["dropped"')).length > 3);
  });
});
