/** What the init container asks for (W4). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { formatCpu, formatMemory, parseQuantity } from '../../../webhook/shared/quantity.ts';
import { app, jobPod, mutation, POLICY, proxy, type TestPod, wrapped } from './mutated-pod.ts';

interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

const both = (cpu: string, memory: string): Resources => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
});

function installed(first?: Resources, second?: Resources, spec: object = {}, policy = POLICY): unknown {
  const pod = wrapped(
    jobPod(undefined, [app({ resources: first }), proxy({ resources: second })], spec),
    {},
    policy,
  );
  return pod.spec.initContainers?.[0]?.resources;
}

/** An amount of CPU in millicores. */
const CPU = fc.integer({ min: 1, max: 400 });

const ANY_AMOUNTS = fc
  .record({ request: fc.option(CPU), limit: fc.option(CPU) })
  .map(({ request, limit }): Resources => {
    const amount = (cpu: number | null) => (cpu === null ? {} : { cpu: `${cpu}m` });
    const low = request !== null && limit !== null ? Math.min(request, limit) : request;
    const high = request !== null && limit !== null ? Math.max(request, limit) : limit;
    return { requests: amount(low), limits: amount(high) };
  });

/** What a LimitRange has for each container; in millicores. */
const LIMIT_RANGE = fc.record({
  min: fc.option(CPU),
  max: fc.option(CPU),
  ratio: fc.option(fc.integer({ min: 1, max: 8 })),
});
type LimitRange = typeof LIMIT_RANGE extends fc.Arbitrary<infer Value> ? Value : never;

/** As LimitRanger decides about one container (kubernetes: plugin/pkg/admission/limitranger/admission.go). */
function allows({ min, max, ratio }: LimitRange, { requests, limits }: Resources): boolean {
  const milli = (text: string | undefined) => (text === undefined ? undefined : Number.parseInt(text, 10));
  const limit = milli(limits?.cpu);
  const request = milli(requests?.cpu) ?? limit;
  return (
    (min === null || (request !== undefined && request >= min && (limit === undefined || limit >= min))) &&
    (max === null || (limit !== undefined && limit <= max && (request === undefined || request <= max))) &&
    (ratio === null || (request !== undefined && limit !== undefined && limit <= request * ratio))
  );
}

describe('W4 requests, limits and the QoS class', () => {
  test('W4 BestEffort stays BestEffort: nothing is set where no container sets anything', () => {
    assert.equal(installed(), undefined);
    assert.equal(installed({}, { requests: {} }), undefined);
  });

  test('W4 Guaranteed stays Guaranteed: requests equal limits here too', () => {
    assert.deepEqual(installed(both('1', '1Gi'), both('50m', '20Mi')), both('100m', '32Mi'));
    assert.deepEqual(
      installed({ limits: { cpu: '1', memory: '1Gi' } }, both('0.05', '20Mi')),
      both('100m', '32Mi'),
    );
  });

  test('W4 an init container of the pod’s own can make it Burstable', () => {
    const spec = { initContainers: [{ name: 'setup', image: 'setup:1' }] };
    const small = { requests: { cpu: '5m', memory: '8Mi' }, limits: { cpu: '50m', memory: '16Mi' } };
    assert.deepEqual(installed(both('1', '1Gi'), small, spec), {
      requests: { cpu: '10m', memory: '16Mi' },
      limits: { cpu: '100m', memory: '32Mi' },
    });
  });

  test('W4 Burstable: each amount is set where the pod sets it, and never above its sum', () => {
    assert.deepEqual(installed({ requests: { cpu: '4m' } }, { requests: { memory: '1Gi' } }), {
      requests: { cpu: '4m', memory: '16Mi' },
    });
    assert.deepEqual(installed({ limits: { memory: '8Mi' } }), {
      requests: { memory: '8Mi' },
      limits: { memory: '8Mi' },
    });
    assert.deepEqual(installed({ requests: { cpu: '1' }, limits: { cpu: '5m' } }), {
      requests: { cpu: '5m' },
      limits: { cpu: '5m' },
    });
    assert.deepEqual(installed({ requests: { cpu: 'lots' } }), undefined);
  });

  test('W4 an amount lies between the smallest and the greatest of the pod’s containers', () => {
    const amounts = (cpu: string, most: string): Resources => ({ requests: { cpu }, limits: { cpu: most } });
    assert.deepEqual(installed(amounts('50m', '200m'), amounts('60m', '300m')), amounts('50m', '200m'));
    assert.deepEqual(installed(amounts('2m', '20m'), amounts('4m', '40m')), amounts('4m', '40m'));
    // A limit of four times the request is the most that both have.
    assert.deepEqual(installed(amounts('5m', '20m'), amounts('100m', '300m')), amounts('25m', '100m'));
    assert.deepEqual(installed(amounts('5m', '20m'), amounts('100m', '301m')), amounts('25m', '100m'));
    assert.deepEqual(installed(amounts('6m', '20m'), amounts('100m', '300m')), amounts('30m', '100m'));
  });

  test('W4 a LimitRange that lets the pod’s own containers through lets ours through', () => {
    fc.assert(
      fc.property(fc.array(ANY_AMOUNTS, { minLength: 1, maxLength: 4 }), LIMIT_RANGE, (own, range) => {
        fc.pre(own.every((resources) => allows(range, resources)));
        const [first, ...others] = own.map((resources, i) => app({ name: `c${i}`, resources }));
        const pod = wrapped(
          jobPod({ 'curfew.dev/mains': 'c0' }, [
            first ?? app(),
            proxy({ resources: first?.resources }),
            ...others,
          ]),
        );
        const [install] = pod.spec.initContainers ?? [];
        assert.ok(allows(range, install?.resources ?? {}), JSON.stringify(install?.resources));
      }),
      { numRuns: 2_000 },
    );
  });

  test('W4 pod-level resources: nothing where only the pod sets an amount, else never above the pod’s own', () => {
    const own = (resources: Resources) => ({ resources });
    assert.equal(installed({}, {}, own(both('1', '1Gi'))), undefined);
    assert.deepEqual(installed({ requests: { cpu: '1' } }, {}, own(both('2', '1Gi'))), {
      requests: { cpu: '10m' },
    });
    // Each of the two limits is allowed, their sum would not be.
    const each = { limits: { cpu: '40m', memory: '24Mi' } };
    const wide = { limits: { cpu: '400m', memory: '240Mi' } };
    assert.deepEqual(
      installed(each, wide, own({ limits: { cpu: '50m', memory: '30Mi' } })),
      both('50m', '30Mi'),
    );
    const small = { requests: { cpu: '4m' }, limits: { cpu: '8m' } };
    assert.deepEqual(installed({ limits: { cpu: '8m' } }, { requests: { cpu: '1m' } }, own(small)), {
      requests: { cpu: '4m' },
      limits: { cpu: '8m' },
    });
    assert.deepEqual(installed(each, {}, own({ limits: { cpu: 'lots' } })), installed(each, {}));
  });

  test('W3 the API server’s own way to write an amount is no difference', () => {
    const policy = defaultPolicy({
      shim: { resources: { requests: { cpu: '0.01', memory: '16384Ki' }, limits: { cpu: '0.1' } } },
    });
    const pod = jobPod(undefined, [app({ resources: both('1', '1Gi') }), proxy()]);
    const stored: TestPod = JSON.parse(
      JSON.stringify(wrapped(pod, {}, policy))
        .replace('"0.01"', '"10m"')
        .replace('"16384Ki"', '"16Mi"')
        .replace('"0.1"', '"100m"'),
    );
    assert.deepEqual(mutation(stored, {}, policy).operations, []);
  });

  test('quantities', () => {
    for (const [text, amount] of [
      ['250m', 0.25],
      ['70m', 0.07],
      ['1.5', 1.5],
      ['.5', 0.5],
      ['5.', 5],
      ['1e3', 1000],
      ['1E3', 1000],
      ['2E', 2e18],
      ['64Mi', 67108864],
      ['1k', 1000],
      ['100n', 1e-7],
      [3, 3],
      ['-1', -1],
    ] as const)
      assert.equal(parseQuantity(text), amount);
    for (const wrong of ['', 'm', '1 Gi', '1Gib', 'NaN', '1e', '0x1', null, {}, Number.NaN, '1'.repeat(99)])
      assert.equal(parseQuantity(wrong), undefined);
    assert.deepEqual(
      [
        formatCpu(0.007),
        formatCpu(0.0005),
        formatMemory(2 ** 21),
        formatMemory(3 * 1024),
        formatMemory(1000.9),
        formatMemory(0),
      ],
      ['7m', '0m', '2Mi', '3Ki', '1000', '0'],
    );
  });
});
