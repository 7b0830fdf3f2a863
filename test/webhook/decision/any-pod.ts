/** Pods, and what other webhooks do to them, for the properties. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SHIM_PATH } from '../../../shim/protocol.ts';
import type { ImageAnswer } from '../../../webhook/decision/images.ts';
import { DEFAULT, EVICT, statusOf } from './compared-pod.ts';
import { image, type TestContainer, type TestPod } from './mutated-pod.ts';

const NAMES = ['app', 'worker', 'proxy', 'agent', 'istio-proxy', 'constructor', 'late'] as const;
const ISTIO = 'docker.io/istio/proxyv2:1.20.0';

const word = fc.constantFrom('run', '--flag', '$(VAR)', '$$', '', 'päth', '-c', '/curfew/bin/other');
const words = fc.array(word, { maxLength: 3 });
/** Fields that this Curfew does not know, with keys that trip naive code. */
const unknown = fc.dictionary(
  fc.constantFrom('futureField', '__proto__', 'constructor', 'x/y~z', 'tty', 'stdin'),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 2 },
);
const handler = fc.constantFrom(
  { httpGet: { port: 8080, path: '/ready', httpHeaders: [{ name: 'Host', value: 'x' }] } },
  { httpGet: { port: 'http', scheme: 'HTTPS' } },
  { tcpSocket: { port: '5432' } },
  { grpc: { port: 9 } },
  { exec: { command: ['pg_isready', '-U', '$(USER)'] } },
);

function container(name: fc.Arbitrary<string>): fc.Arbitrary<TestContainer> {
  return fc
    .record({
      name,
      command: fc.option(words, { nil: undefined }),
      args: fc.option(words, { nil: undefined }),
      volumeMounts: fc.option(
        fc
          .uniqueArray(fc.constantFrom('data', 'logs', 'tmp'), { maxLength: 3 })
          .map((paths) => paths.map((path) => ({ name: 'data', mountPath: `/${path}` }))),
        { nil: undefined },
      ),
      readinessProbe: fc.option(handler, { nil: undefined }),
      livenessProbe: fc.constantFrom(undefined, undefined, {
        ...{ tcpSocket: { port: 1 }, initialDelaySeconds: 5, terminationGracePeriodSeconds: 1 },
      }),
      startupProbe: fc.option(
        handler.map((one) => ({ ...one, periodSeconds: 2, timeoutSeconds: 3 })),
        { nil: undefined, freq: 2 },
      ),
      env: fc.constantFrom(undefined, [
        { name: 'URL', value: 'db://localhost:5432' },
        { name: 'X', valueFrom: {} },
      ]),
      ports: fc.constantFrom(undefined, [{ containerPort: 5432 }]),
      lifecycle: fc.constantFrom(
        undefined,
        { preStop: { sleep: { seconds: 1 } } },
        { postStart: { exec: {} } },
        { postStart: { sleep: { seconds: 1 } } },
      ),
      resources: fc.constantFrom(
        undefined,
        {},
        { requests: { cpu: '5m' } },
        { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
        { limits: { memory: '8Mi' } },
      ),
      from: fc.constantFrom(ISTIO, ISTIO, 'mine/mesh:1'),
      more: unknown,
    })
    .map(({ more, from, ...fields }) => {
      const isIstio = fields.name === 'istio-proxy';
      return plain<TestContainer>({ ...more, ...fields, image: isIstio ? from : `${fields.name}:1` });
    });
}

/** A JSON copy: members that are undefined are gone, `__proto__` is an ordinary key. */
function plain<T>(value: unknown): T {
  return JSON.parse(JSON.stringify(value));
}

const list = (most: number) =>
  fc
    .uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: most })
    .map((names) => names.join(', '));

const ownAnnotations = fc.oneof(
  fc.constant({}),
  list(2).map((names) => ({ 'curfew.dev/sidecars': names })),
  list(2).map((names) => ({ 'curfew.dev/mains': names })),
  fc.constantFrom(
    { 'curfew.dev/mains': 'app', 'curfew.dev/start-timeout': '1m', 'note/~x': 'kept' },
    { 'curfew.dev/sidecars': 'proxy', 'entrypoint.curfew.dev/app': '["/x", "$(Y)"]' },
    { 'curfew.dev/sidecars': 'proxy', 'curfew.dev/typo': 'x' },
  ),
);

const annotations = fc
  .tuple(
    ownAnnotations,
    fc.constantFrom({}, {}, { [EVICT]: 'data' }, { [EVICT]: 'other, x', [DEFAULT]: 'app' }),
  )
  .map(([own, others]) => ({ ...own, ...others }));

const affinities = [
  { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64', 's390x'] },
  { key: 'beta.kubernetes.io/arch', operator: 'NotIn', values: ['amd64', 'arm64'] },
  { key: 'kubernetes.io/os', operator: 'In', values: ['windows'] },
].map((expression) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [expression] }],
    },
  },
}));

/** Any pod that an API server could take; many are wrapped, some refused, some left alone. */
export const anyPod: fc.Arbitrary<TestPod> = fc
  .record({
    metadata: fc.record(
      { name: fc.constant('job'), annotations, labels: fc.constantFrom({}, { 'curfew.dev/inject': 'true' }) },
      { requiredKeys: ['annotations'] },
    ),
    spec: fc.record(
      {
        restartPolicy: fc.constantFrom('Never', 'OnFailure', 'Always'),
        containers: fc.uniqueArray(container(fc.constantFrom(...NAMES)), {
          minLength: 1,
          maxLength: 5,
          selector: ({ name }) => name,
        }),
        initContainers: fc.uniqueArray(container(fc.constantFrom('init', 'setup')), {
          maxLength: 2,
          selector: ({ name }) => name,
        }),
        volumes: fc.constantFrom(
          [],
          [{ name: 'data', emptyDir: {} }],
          [{ name: 'data', emptyDir: { medium: 'Memory' } }],
          [{ name: 'data', hostPath: { path: '/' } }],
        ),
        terminationGracePeriodSeconds: fc.constantFrom(0, 30, 3_600),
        hostPID: fc.boolean(),
        affinity: fc.constantFrom(...[undefined, undefined, undefined, ...affinities]),
        securityContext: fc.constantFrom(
          undefined,
          {},
          {},
          { windowsOptions: {} },
          { windowsOptions: { a: 'b' } },
        ),
      },
      { requiredKeys: ['restartPolicy', 'containers'] },
    ),
    more: unknown,
  })
  .map(({ more, ...pod }) => plain<TestPod>({ ...more, ...pod }));

/** Answers for every container that {@link anyPod} and {@link anyChange} make. */
export const EVERY_IMAGE: Record<string, ImageAnswer> = Object.fromEntries(
  [...NAMES].map((name) => [name, image({ entrypoint: ['/entry', '$(E)'], cmd: [name] })]),
);

export interface Change {
  what: string;
  /** Its effect on the list of containers. */
  list?: 'added' | 'removed' | 'reordered';
  apply(pod: TestPod): void;
}

/** Something that another webhook does between two runs; each means the same on the plain and on the wrapped pod. */
export const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(container(fc.constantFrom('late', 'istio-proxy')), fc.nat(9)).map(([added, at]) => ({
    what: `adds ${JSON.stringify(added)} at ${at}`,
    list: 'added' as const,
    apply: ({ spec }: TestPod) => {
      if (!spec.containers.some(({ name }) => name === added.name))
        spec.containers.splice(at % (spec.containers.length + 1), 0, structuredClone(added));
    },
  })),
  fc.nat(9).map((at) => ({
    what: `removes container ${at}`,
    list: 'removed' as const,
    apply: (pod: TestPod) => {
      const { spec } = pod;
      const gone = byName(pod, at);
      if (spec.containers.length > 1) spec.containers.splice(spec.containers.indexOf(gone), 1);
    },
  })),
  fc.nat(9).map((at) => ({
    what: `appends to the args of container ${at}, where its command is not all the image's`,
    apply: (pod: TestPod) => {
      const one = byName(pod, at);
      const { command, args } = written(pod, one);
      if ((command ?? []).length + (args ?? []).length > 0) one.args = [...(one.args ?? []), '--appended'];
    },
  })),
  fc.nat(9).map((at) => ({
    what: `has the command of container ${at} run by another, as bank-vaults does`,
    apply: (pod: TestPod) => {
      const one = byName(pod, at);
      if (pod.metadata.annotations?.[`entrypoint.curfew.dev/${one.name}`]) return;
      if ((written(pod, one).command ?? []).length === 0) return;
      one.args = [...(one.command ?? []), ...(one.args ?? [])];
      one.command = ['/vault/vault-env'];
    },
  })),
  fc.constantFrom<Change>(
    {
      what: 'turns the containers round',
      list: 'reordered',
      apply: ({ spec }) => void spec.containers.reverse(),
    },
    {
      what: 'puts an init container in front',
      apply: ({ spec }) => {
        const others = (spec.initContainers ?? []).filter(({ name }) => name !== 'first');
        spec.initContainers = [{ name: 'first', image: 'first:1' }, ...others];
      },
    },
    {
      what: 'adds a volume and mounts it everywhere',
      apply: ({ spec }) => {
        spec.volumes = [{ name: 'token', projected: {} }, ...(spec.volumes ?? [])];
        for (const one of spec.containers)
          one.volumeMounts = [{ name: 'token', mountPath: '/token' }, ...(one.volumeMounts ?? [])];
      },
    },
    {
      what: 'adds an emptyDir',
      apply: ({ spec }) => {
        spec.volumes = [...(spec.volumes ?? []), { name: 'added', emptyDir: {} }];
      },
    },
    {
      what: 'lists a volume for the cluster autoscaler',
      apply: ({ metadata }) => {
        const list = metadata.annotations?.[EVICT];
        metadata.annotations = { ...metadata.annotations, [EVICT]: list ? `${list},added` : 'added' };
      },
    },
    {
      what: 'drops every mount but its own',
      apply: ({ spec }) => {
        for (const one of spec.containers) one.volumeMounts = [{ name: 'token', mountPath: '/token' }];
      },
    },
    {
      what: 'opts the pod out',
      apply: ({ metadata }) => {
        metadata.labels = { ...metadata.labels, 'curfew.dev/inject': 'false' };
      },
    },
    {
      what: 'names the sidecars',
      apply: (pod) => {
        const { metadata } = pod;
        const { name } = byName(pod, 0);
        const { 'curfew.dev/mains': _, ...rest } = metadata.annotations ?? {};
        metadata.annotations = { ...rest, 'curfew.dev/sidecars': name };
      },
    },
  ),
);

/** The same container of a plain and of a wrapped pod, whose containers may have been moved. */
function byName({ spec: { containers } }: TestPod, at: number): TestContainer {
  const [first, ...others] = containers.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found = at % containers.length === 0 ? first : others[(at % containers.length) - 1];
  assert.ok(found);
  return found;
}

/** A container's own command and args, whether it is wrapped by now or not, or another runs its command since. */
function written({ metadata }: TestPod, one: TestContainer): Pick<TestContainer, 'command' | 'args'> {
  if (one.command?.[0] !== SHIM_PATH) return one;
  return new Map(Object.entries(statusOf({ metadata }).containers ?? {})).get(one.name) ?? one;
}
