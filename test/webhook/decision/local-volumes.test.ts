import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applied, jobPod, mutation, type TestPod, wrapped } from './mutated-pod.ts';

const KEY = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';
const OURS = 'curfew-bin,curfew-run';

function pod(list: string | undefined, ...volumes: object[]): TestPod {
  const annotations = { 'curfew.dev/sidecars': 'proxy', ...(list === undefined ? {} : { [KEY]: list }) };
  return jobPod(annotations, undefined, { volumes });
}
const listed = ({ metadata }: TestPod) => metadata.annotations?.[KEY];
const undone = (from: TestPod) => {
  const opted = { ...from, metadata: { ...from.metadata, labels: { 'curfew.dev/inject': 'false' } } };
  return applied(opted, mutation(opted));
};

const data = { name: 'data', emptyDir: {} };

describe('W11 our volumes keep no node from the cluster autoscaler', () => {
  const cases: [what: string, list: string | undefined, volumes: object[], after: string | undefined][] = [
    ['no volume of its own', undefined, [], OURS],
    ['volumes that are not local', undefined, [{ name: 'c', configMap: { name: 'c' } }], OURS],
    [
      'an emptyDir in memory, which is not local',
      undefined,
      [{ ...data, emptyDir: { medium: 'Memory' } }],
      OURS,
    ],
    ['an emptyDir, which keeps the node anyway', undefined, [data], undefined],
    ['a volume without a source, which becomes an emptyDir', undefined, [{ name: 'data' }], undefined],
    ['a hostPath', undefined, [{ name: 'data', hostPath: { path: '/data' } }], undefined],
    ['its own list', 'data', [data], `data,${OURS}`],
    ['its own list of other volumes', 'other', [data], `other,${OURS}`],
    ['its own list with one of ours', 'data,curfew-run', [data], `data,${OURS}`],
    ['its own list with both of ours', `curfew-run,data,curfew-bin`, [data], 'curfew-run,data,curfew-bin'],
    ['an empty list', '', [], OURS],
    ['an empty list and an emptyDir', '', [data], ''],
  ];
  for (const [what, list, volumes, after] of cases)
    test(`W11 ${what}`, () => {
      const before = pod(list, ...volumes);
      const result = wrapped(before);
      assert.equal(listed(result), after);
      assert.deepEqual(mutation(result).operations, [], 'W3 a second run changes nothing');
      const own = list?.split(',').filter((name) => !OURS.includes(name));
      assert.equal(listed(undone(result)), own?.join() || (after === '' ? '' : undefined), 'W3 undone');
    });

  test('W11 W3 a local volume or a list that another webhook adds since', () => {
    const first = wrapped(pod(undefined));
    const volumes = [...(first.spec.volumes ?? []), data];
    const late = { ...first, spec: { ...first.spec, volumes } };
    assert.equal(listed(applied(late, mutation(late))), undefined);
    const annotations = { ...first.metadata.annotations, [KEY]: `${OURS},data` };
    const told = { metadata: { annotations }, spec: late.spec };
    assert.deepEqual(mutation(told).operations, []);
    assert.equal(listed(undone(told)), 'data');
  });

  test('W11 a pod without annotations gets both', () => {
    const bare = { spec: pod(undefined).spec, metadata: { labels: { 'curfew.dev/inject': 'true' } } };
    bare.spec.containers = bare.spec.containers.map((one) =>
      one.name === 'proxy' ? { ...one, name: 'istio-proxy', image: 'istio/proxyv2:1' } : one,
    );
    const keys = Object.keys(wrapped(bare).metadata.annotations ?? {});
    assert.deepEqual(keys, [KEY, 'curfew.dev/status']);
  });
});
