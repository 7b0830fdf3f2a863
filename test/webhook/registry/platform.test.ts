import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { choose, machinesOf } from '../../../webhook/registry/platform.ts';
import type { JsonRecord } from '../../../webhook/shared/json.ts';

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

const offered = (...names: string[]) =>
  names.map((name) => {
    const [os = '', architecture = '', variant = ''] = name.split('/');
    return { name, platform: { os, architecture, variant } };
  });

const CHOICES: [machine: 'amd64' | 'arm64', offers: string[], choice: string | undefined][] = [
  ['amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
  ['amd64', ['windows/amd64', 'linux/amd64'], 'linux/amd64'],
  ['amd64', ['linux/386'], 'linux/386'],
  ['amd64', ['linux/386', 'linux/amd64/v2'], 'linux/amd64/v2'],
  ['amd64', ['linux/arm64', 'linux/s390x'], undefined],
  ['arm64', ['linux/amd64', 'linux/arm64'], 'linux/arm64'],
  ['arm64', ['linux/arm64', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['arm64', ['linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7'],
  ['arm64', ['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['arm64', ['linux/amd64'], undefined],
];

for (const [machine, offers, choice] of CHOICES)
  test(`${machine} takes of ${offers.join(', ')}: ${choice}`, () => {
    assert.equal(choose(machine, offered(...offers))?.name, choice);
  });
