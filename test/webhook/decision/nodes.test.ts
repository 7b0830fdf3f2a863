import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { machinesOf } from '../../../webhook/decision/nodes.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';
import { app, jobPod, mutation, proxy } from './mutated-pod.ts';

const istio = proxy({ name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.20.0' });
const affinity = (...terms: unknown[]): JsonRecord => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
  },
});
const term = (operator: string, values?: string[], key = 'kubernetes.io/arch') => ({
  matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }],
});

const PODS: [what: string, spec: JsonRecord, machines: string[]][] = [
  ['nothing said', {}, ['amd64', 'arm64']],
  ['nodeSelector', { nodeSelector: { 'kubernetes.io/arch': 'arm64' } }, ['arm64']],
  ['the old label', { nodeSelector: { 'beta.kubernetes.io/arch': 'amd64' } }, ['amd64']],
  ['another label', { nodeSelector: { disk: 'ssd' } }, ['amd64', 'arm64']],
  ['a machine that the shim does not run on', { nodeSelector: { 'kubernetes.io/arch': 's390x' } }, []],
  ['In', affinity(term('In', ['arm64', 's390x'])), ['arm64']],
  ['NotIn', affinity(term('NotIn', ['arm64'])), ['amd64']],
  ['Exists', affinity(term('Exists')), ['amd64', 'arm64']],
  ['DoesNotExist', affinity(term('DoesNotExist')), []],
  ['one of two terms', affinity(term('In', ['s390x']), term('In', ['amd64'])), ['amd64']],
  [
    'a term about something else allows all',
    affinity(term('In', ['amd64']), term('In', ['x'], 'zone')),
    ['amd64', 'arm64'],
  ],
  ['an empty term has no expressions', affinity(term('In', ['amd64']), {}), ['amd64', 'arm64']],
  [
    'both expressions of a term',
    affinity({
      matchExpressions: [
        ...term('In', ['amd64', 'arm64']).matchExpressions,
        ...term('NotIn', ['amd64']).matchExpressions,
      ],
    }),
    ['arm64'],
  ],
  [
    'selector and affinity',
    { nodeSelector: { 'kubernetes.io/arch': 'amd64' }, ...affinity(term('In', ['arm64'])) },
    [],
  ],
  [
    'what is only preferred narrows nothing',
    {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ preference: term('In', ['amd64']) }],
        },
      },
    },
    ['amd64', 'arm64'],
  ],
  ['what cannot be read', { nodeSelector: [], affinity: 'x' }, ['amd64', 'arm64']],
];

for (const [what, spec, machines] of PODS)
  test(`the machines of a pod: ${what}`, () => assert.deepEqual(machinesOf(spec), machines));

test('any JSON leaves some of the machines', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (selector, terms) => {
      const left = machinesOf({ nodeSelector: selector, ...affinity(terms, terms) });
      assert.ok(left.every((machine) => machine === 'amd64' || machine === 'arm64'));
    }),
  );
});

const os = (operator: string, ...values: string[]) => term(operator, values, 'kubernetes.io/os');
const arch = (operator: string, ...values: string[]) => term(operator, values);
const options = { windowsOptions: { runAsUserName: 'ContainerUser' } };

describe('W7 pods for machines on which no shim runs', () => {
  const reason = (spec: object, annotations?: Record<string, string>) =>
    mutation(jobPod(annotations, undefined, spec)).reason;

  const windows: [what: string, spec: object][] = [
    ['node affinity', affinity(os('In', 'windows'))],
    ['node affinity that excludes Linux', affinity(os('NotIn', 'linux'))],
    [
      'every term of it',
      affinity(os('In', 'windows'), {
        matchExpressions: [...os('In', 'windows').matchExpressions, ...arch('In', 'amd64').matchExpressions],
      }),
    ],
    ['options of the pod', { securityContext: options }],
    [
      'another machine beside it',
      { nodeSelector: { 'kubernetes.io/os': 'windows', 'kubernetes.io/arch': 's390x' } },
    ],
  ];
  for (const [what, spec] of windows)
    test(`W7 Windows by ${what}`, () => {
      const { outcome, operations, warnings } = mutation(jobPod(undefined, undefined, spec));
      assert.deepEqual([outcome, reason(spec), operations, warnings], ['unchanged', 'windows', [], []]);
    });

  test('W7 Windows by options of one container', () => {
    assert.equal(mutation(jobPod(undefined, [app(), proxy({ securityContext: options })])).reason, 'windows');
    assert.equal(reason({ initContainers: [{ name: 'setup', securityContext: options }] }), 'windows');
  });

  test('W7 no Windows: Linux is said or allowed, or the options are empty', () => {
    for (const spec of [
      { os: { name: 'linux' }, securityContext: options },
      { securityContext: { windowsOptions: {} } },
      affinity(os('In', 'linux', 'windows')),
      affinity(os('In', 'windows'), arch('In', 'arm64')),
      affinity(os('Exists')),
    ])
      assert.equal(reason(spec), 'wrapped', JSON.stringify(spec));
  });

  const other: [what: string, spec: object][] = [
    ['nodeSelector', { nodeSelector: { 'kubernetes.io/arch': 'ppc64le' } }],
    ['the old label', { nodeSelector: { 'beta.kubernetes.io/arch': 's390x' } }],
    ['In', affinity(arch('In', 'ppc64le', 's390x', 'riscv64'))],
    ['NotIn', affinity(arch('NotIn', 'amd64', 'arm64'))],
    ['every term', affinity(arch('In', 's390x'), arch('In', 'riscv64'))],
    [
      'nodeSelector and affinity together',
      { nodeSelector: { 'kubernetes.io/arch': 'amd64' }, ...affinity(arch('In', 'arm64')) },
    ],
    ['another operating system', affinity(os('In', 'freebsd'))],
  ];
  for (const [what, spec] of other)
    test(`W7 W6 another machine by ${what}: passed with a warning, asked or not`, () => {
      for (const pod of [jobPod(undefined, undefined, spec), jobPod({}, [app(), istio], spec)]) {
        const { outcome, reason: why, operations, warnings } = mutation(pod);
        assert.deepEqual([outcome, why, operations], ['unchanged', 'no-shim-for-machine', []]);
        assert.match(
          warnings.join(),
          /^Curfew: not wrapped: its node selector or affinity allows no machine/,
        );
      }
    });

  test('W7 one machine of the shim’s is enough, and a pod without a known sidecar has no warning', () => {
    assert.equal(reason(affinity(arch('In', 's390x', 'amd64'))), 'wrapped');
    assert.equal(reason(affinity(arch('In', 's390x'), arch('Exists'))), 'wrapped');
    const plain = mutation(jobPod({}, [app()], { nodeSelector: { 'kubernetes.io/arch': 's390x' } }));
    assert.deepEqual([plain.reason, plain.warnings], ['no-known-sidecar', []]);
  });
});
