import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import {
  app,
  applied,
  jobPod,
  mutation,
  proxy,
  type TestContainer,
  type TestPod,
  wrapped,
} from './mutated-pod.ts';

describe('W4 the init container', () => {
  test('W4 it comes first, satisfies "restricted", and mounts both volumes for writing', () => {
    const pod = wrapped(
      jobPod(undefined, undefined, { initContainers: [{ name: 'setup', image: 'setup:1' }] }),
    );
    assert.deepEqual(pod.spec.initContainers?.[0], {
      name: 'curfew-install',
      image: 'ghcr.io/curfew-dev/curfew-shim:1.2.3',
      command: ['/curfew-shim', 'install', '--containers=app,proxy'],
      securityContext: {
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumeMounts: [
        { name: 'curfew-bin', mountPath: '/curfew/bin' },
        { name: 'curfew-run', mountPath: '/curfew/run' },
      ],
    });
    assert.equal(pod.spec.initContainers?.[1]?.name, 'setup');
    assert.deepEqual(pod.spec.volumes, [
      { name: 'curfew-bin', emptyDir: { sizeLimit: '32Mi' } },
      { name: 'curfew-run', emptyDir: { sizeLimit: '32Mi' } },
    ]);
    for (const container of pod.spec.containers)
      assert.deepEqual(container.volumeMounts, [
        { name: 'curfew-bin', mountPath: '/curfew/bin', readOnly: true },
        { name: 'curfew-run', mountPath: '/curfew/run' },
      ]);
  });

  test('W4 its user is the image’s or the pod’s, but for a pod that says root', () => {
    const userOf = (securityContext: object) =>
      wrapped(jobPod(undefined, undefined, { securityContext })).spec.initContainers?.[0]?.securityContext;
    assert.equal(Object(userOf({ runAsUser: 1000 })).runAsUser, undefined);
    assert.equal(Object(userOf({ runAsUser: 0 })).runAsUser, 65532);
  });

  test('W4 image, pull policy and resources are the policy’s', () => {
    const policy = defaultPolicy({
      shim: {
        image: 'mine/shim:9',
        imagePullPolicy: 'Never',
        resources: { requests: { cpu: '1m' }, limits: { memory: '20Mi' } },
      },
    });
    const pod = wrapped(
      jobPod(undefined, [app({ resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } } }), proxy()]),
      {},
      policy,
    );
    const { image, imagePullPolicy, resources } = pod.spec.initContainers?.[0] ?? app();
    assert.deepEqual(
      { image, imagePullPolicy, resources },
      {
        image: 'mine/shim:9',
        imagePullPolicy: 'Never',
        resources: { requests: { cpu: '1m', memory: '16Mi' }, limits: { memory: '20Mi' } },
      },
    );
  });
});

describe('W3 what others do to ours between two runs', () => {
  const pod = wrapped(jobPod());
  const repaired = (change: (late: TestPod) => void) => {
    const late = structuredClone(pod);
    change(late);
    return applied(late, mutation(late));
  };

  test('W3 what they add to our init container stays', () => {
    const after = repaired((late) => {
      const [install] = late.spec.initContainers ?? [];
      Object.assign(install ?? {}, {
        terminationMessagePath: '/dev/termination-log',
        env: [{ name: 'X', value: 'y' }],
      });
      install?.volumeMounts?.unshift({ name: 'token', mountPath: '/token', readOnly: true });
      late.spec.initContainers?.unshift({ name: 'other', image: 'other:1' });
    });
    const [install] = after.spec.initContainers ?? [];
    assert.equal(install?.name, 'curfew-install');
    assert.deepEqual(install?.env, [{ name: 'X', value: 'y' }]);
    assert.deepEqual(
      install?.volumeMounts?.map(({ mountPath }) => mountPath),
      ['/token', '/curfew/bin', '/curfew/run'],
    );
  });

  test('W3 what they changed of ours is put right', () => {
    const after = repaired((late) => {
      Object.assign(late.spec.initContainers?.[0] ?? {}, {
        image: 'evil',
        args: ['x'],
        securityContext: { runAsUser: 0, seLinuxOptions: {} },
      });
      late.spec.containers[0]?.volumeMounts?.splice(0, 1, { name: 'curfew-bin', mountPath: '/curfew/bin' });
      late.spec.volumes = [];
      Object.assign(late.spec.containers[1] ?? {}, { command: ['/curfew/bin/curfew-shim', 'main'] });
    });
    const [install] = after.spec.initContainers ?? [];
    assert.deepEqual(install?.securityContext, {
      ...Object(pod.spec.initContainers?.[0]?.securityContext),
      runAsUser: 65532,
      seLinuxOptions: {},
    });
    delete install?.securityContext;
    const expected = structuredClone(pod);
    delete expected.spec.initContainers?.[0]?.securityContext;
    assert.deepEqual(after, expected);
  });

  test('W3 W8 a mount from which nothing may be executed is put right, and said; other mount options stay', () => {
    const late = structuredClone(pod);
    const set = (container: TestContainer | undefined, ...options: string[]) => {
      for (const mount of container?.volumeMounts ?? []) Object.assign(mount, { bindMountOptions: options });
    };
    set(late.spec.initContainers?.[0], 'noexec');
    set(late.spec.containers[0], 'nosuid', 'noexec');
    set(late.spec.containers[1], 'nodev');
    const result = mutation(late);
    const optionsOf = (container: TestContainer | undefined) =>
      container?.volumeMounts?.map((mount) => Object(mount).bindMountOptions);
    const { spec } = applied(late, result);
    assert.deepEqual(optionsOf(spec.initContainers?.[0]), [undefined, ['noexec']]);
    assert.deepEqual(optionsOf(spec.containers[0]), [['nosuid'], ['nosuid', 'noexec']]);
    assert.deepEqual(optionsOf(spec.containers[1]), [['nodev'], ['nodev']]);
    assert.equal(spec.containers[0]?.volumeMounts?.[0]?.readOnly, true);
    assert.deepEqual(result.warnings, [
      'Curfew: bindMountOptions of volume curfew-bin had noexec in curfew-install, app, where the shim is executed: it was removed; ' +
        'let the policy that writes it leave out volume curfew-bin',
    ]);
    assert.deepEqual(mutation(applied(late, result)).warnings, []);
  });

  test('W3 a replaced command is the container’s new one', () => {
    const after = repaired((late) =>
      Object.assign(late.spec.containers[0] ?? {}, { command: ['other'], args: ['x'] }),
    );
    assert.deepEqual(after.spec.containers[0]?.args, ['other', 'x']);
  });

  test('W3 without the annotation the words come back as the command', () => {
    const late = structuredClone(pod);
    delete late.metadata.annotations?.['curfew.dev/status'];
    const after = applied(late, mutation(late));
    assert.deepEqual(after.spec, pod.spec);
    late.metadata.labels = { 'curfew.dev/inject': 'false' };
    assert.deepEqual(applied(late, mutation(late)).spec, {
      ...jobPod().spec,
    });
  });

  test('W3 an annotation that does not parse is refused while it is needed', () => {
    for (const text of [
      '',
      '[]',
      '{"containers":[]}',
      '{"containers":{"app":1}}',
      '{"containers":{"app":{"args":[1]}}}',
    ]) {
      const late = structuredClone(pod);
      late.metadata.annotations = { ...late.metadata.annotations, 'curfew.dev/status': text };
      assert.deepEqual([mutation(late).outcome, mutation(late).reason], ['refused', 'bad-status']);
      const fresh = jobPod({ 'curfew.dev/sidecars': 'proxy', 'curfew.dev/status': text });
      assert.deepEqual(applied(fresh, mutation(fresh)), pod);
    }
  });
});
