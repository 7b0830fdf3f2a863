import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nativeSupport, parseMinor } from '../../../webhook/decision/mode.ts';
import { app, applied, jobPod, mutation, named, proxy, type TestPod } from './mutated-pod.ts';
import { AUTO, converted, lists, mode, NATIVE, note, policy, UNKNOWN } from './native-pod.ts';

describe('N1 modes', () => {
  const wish = (value?: string) => jobPod(value === undefined ? undefined : note('curfew.dev/mode', value));

  test('N1 the pod’s annotation counts before the namespace’s and the configuration’s', () => {
    assert.equal(mode(wish(), policy('shim')), 'shim');
    assert.equal(mode(wish(), NATIVE), 'native');
    assert.equal(mode(wish('native'), policy('shim')), 'native');
    assert.equal(mode(wish('shim'), NATIVE), 'shim');
    assert.equal(mode(wish('auto'), policy('shim')), 'native');
    assert.equal(mutation(wish('other'), {}, NATIVE).reason, 'bad-annotation');
  });

  test('N1 native is refused, with the reason, where a kubelet may not have it', () => {
    const { outcome, reason, message } = mutation(jobPod(), {}, policy('native', 31));
    assert.deepEqual([outcome, reason], ['refused', 'native-unavailable']);
    assert.match(
      message,
      /API server of 1\.31 a kubelet may be 1\.28.*take mode auto or shim.*minimumKubelet/,
    );
    assert.match(
      mutation(jobPod({}, [app(), proxy({ name: 'dind', image: 'docker' })]), {}, policy('native', 20))
        .message,
      /1\.20 has no native/,
    );
    assert.match(mutation(jobPod(), {}, policy('native', UNKNOWN)).message, /not known/);
  });

  test('N1 who says native on a command line is believed', () => {
    const offline = policy('native', UNKNOWN, { isOffline: true });
    assert.equal(mode(jobPod(), offline), 'native');
    const auto = mutation(jobPod(), {}, policy('auto', UNKNOWN, { isOffline: true }));
    assert.deepEqual([auto.mode, auto.outcome], ['shim', 'wrapped']);
    assert.match(auto.modeWhy ?? '', /--kubernetes-version/);
  });
});

describe('N2 the move', () => {
  const three = (annotations: Record<string, string>) =>
    jobPod(annotations, [proxy(), app(), proxy({ name: 'agent', future: { field: [1] } })], {
      initContainers: [{ name: 'mesh', restartPolicy: 'Always' }, { name: 'setup' }],
    });

  test('N2 sidecars stand behind the init containers in start order, and are otherwise the same', () => {
    const pod = three({ 'curfew.dev/sidecars': 'agent, proxy' });
    const after = converted(pod);
    assert.deepEqual(lists(after), [['mesh', 'setup', 'agent', 'proxy'], ['app']]);
    for (const name of ['agent', 'proxy'])
      assert.deepEqual(named(after, name), { ...named(pod, name), restartPolicy: 'Always' });
    assert.deepEqual(named(after, 'app'), named(pod, 'app'));
    assert.equal(after.spec.volumes, undefined);
  });

  test('N2 in front of the ordinary ones where the pod says so, and behind native ones that stand there', () => {
    const wish = { 'curfew.dev/sidecars': 'agent, proxy', 'curfew.dev/sidecars-before': 'init' };
    assert.deepEqual(lists(converted(three(wish)))[0], ['mesh', 'agent', 'proxy', 'setup']);
    assert.deepEqual(lists(converted(jobPod({ ...wish, 'curfew.dev/sidecars': 'proxy' }))), [
      ['proxy'],
      ['app'],
    ]);
  });

  test('N2 only native mode can put sidecars before init containers', () => {
    const wish = { 'curfew.dev/sidecars': 'proxy', 'curfew.dev/sidecars-before': 'init' };
    for (const by of [policy('shim'), policy('auto', 20)]) {
      const { outcome, reason, message } = mutation(jobPod(wish), {}, by);
      assert.deepEqual([outcome, reason], ['refused', 'needs-native'], message);
    }
    // What it asks for counts more than what it would lose.
    assert.equal(mode(jobPod({ ...wish, 'stop-timeout.curfew.dev/proxy': '5s' }), AUTO), 'native');
  });

  test('N2 a field that a native sidecar cannot have: the named reason, and the shim under auto', () => {
    for (const fields of [
      { restartPolicy: 'OnFailure' },
      { restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] },
    ]) {
      const pod = jobPod(undefined, [app(), proxy(fields)], { restartPolicy: 'Never' });
      const native = mutation(pod, {}, policy('native', 35));
      assert.deepEqual([native.outcome, native.reason], ['refused', 'native-not-allowed']);
      const auto = mutation(pod, {}, policy('auto', 35));
      assert.deepEqual([auto.outcome, auto.mode], ['wrapped', 'shim']);
      assert.match(auto.modeWhy ?? '', /sidecar proxy has restartPolicy/i);
    }
    const resizing = jobPod(undefined, [
      app(),
      proxy({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] }),
    ]);
    assert.equal(mutation(resizing, {}, policy('native', 32)).reason, 'native-not-allowed');
    assert.equal(mutation(resizing, {}, policy('native', 33)).outcome, 'converted');
    const restartPolicyRules = [
      { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } },
    ];
    const ruled = jobPod(undefined, [app(), proxy({ restartPolicy: 'Always', restartPolicyRules })]);
    assert.equal(mutation(ruled, {}, policy('native', 36)).outcome, 'converted');
    assert.equal(mutation(ruled, {}, policy('native', 35)).reason, 'native-not-allowed');
    const always = jobPod(undefined, [app(), proxy({ restartPolicy: 'Always' })]);
    assert.equal(mutation(always, {}, NATIVE).outcome, 'converted');
  });

  test('N2 kubectl means the same container as before', () => {
    const key = 'kubectl.kubernetes.io/default-container';
    const first = converted(jobPod(undefined, [proxy(), app()]));
    assert.equal(first.metadata.annotations?.[key], 'proxy');
    assert.equal(converted(jobPod()).metadata.annotations?.[key], undefined);
  });

  test('N2 no secret and no container’s own value is in the patch', () => {
    const env = [{ name: 'TOKEN', value: 'hush' }];
    const { operations } = mutation(jobPod(undefined, [app(), proxy({ env })]), {}, NATIVE);
    assert.doesNotMatch(JSON.stringify(operations), /hush/);
  });

  test('N2 a pod that is none is left to the API server', () => {
    for (const name of ['proxy', 'app']) {
      const twice = jobPod(undefined, undefined, { initContainers: [{ name: 'setup' }, { name }] });
      assert.equal(mutation(twice, {}, NATIVE).reason, 'invalid-pod');
    }
  });
});

describe('N5 twice, and late', () => {
  const ready = note('ready.curfew.dev/proxy', 'exec: true');

  test('N5 a second run changes nothing', () => {
    const second = mutation(converted(jobPod(ready)), {}, NATIVE);
    assert.deepEqual(
      [second.outcome, second.reason, second.operations],
      ['unchanged', 'already-converted', []],
    );
  });

  test('N5 a sidecar that comes late is moved too', () => {
    const pod = converted(jobPod({ 'curfew.dev/mains': 'app' }));
    pod.spec.containers.push(proxy({ name: 'late' }));
    assert.deepEqual(lists(converted(pod)), [['proxy', 'late'], ['app']]);
  });

  test('N5 an injector that adds its container again: the newer one takes the older’s place', () => {
    const pod = converted(
      jobPod({ 'curfew.dev/sidecars': 'proxy, agent' }, [app(), proxy(), proxy({ name: 'agent' })]),
    );
    pod.spec.containers.push(proxy({ image: 'proxy:2' }));
    const after = converted(pod);
    assert.deepEqual(lists(after), [['proxy', 'agent'], ['app']]);
    assert.equal(named(after, 'proxy').image, 'proxy:2');
  });

  test('N5 another mode undoes it, and is what one run would have given', () => {
    for (const pod of [
      jobPod(ready),
      jobPod(ready, [proxy({ restartPolicy: 'Always' }), app()], { restartPolicy: 'Never' }),
    ]) {
      const native = converted(pod);
      const direct = mutation(pod, {}, policy('shim'));
      if (direct.outcome === 'wrapped') {
        const shim = applied(pod, direct);
        assert.deepEqual(applied(native, mutation(native, {}, policy('shim'))), shim);
        assert.deepEqual(applied(shim, mutation(shim, {}, NATIVE)), native);
      }
      native.metadata.labels = { 'curfew.dev/inject': 'false' };
      assert.deepEqual(applied(native, mutation(native, {}, NATIVE)), {
        ...pod,
        metadata: { ...pod.metadata, labels: native.metadata.labels },
      });
    }
  });

  test('N5 a startup probe that another webhook wrote since stays', () => {
    const pod = converted(jobPod(ready));
    const theirs = { tcpSocket: { port: 9 } };
    Object.assign(named(pod, 'proxy'), { startupProbe: theirs });
    const after = converted(pod);
    assert.deepEqual(named(after, 'proxy').startupProbe, theirs);
    assert.deepEqual(mutation(after, {}, NATIVE).operations, []);
  });

  test('N5 a status that is anything else is none, and stops nobody', () => {
    for (const status of [
      '{',
      '[]',
      '{"mode":"native"}',
      '{"mode":"native","containers":[],"author":[1]}',
      '{"mode":"native","containers":{"proxy":null},"author":["proxy","gone"]}',
    ]) {
      const pod = jobPod({ 'curfew.dev/sidecars': 'proxy', 'curfew.dev/status': status });
      assert.deepEqual(lists(converted(pod)), [['proxy'], ['app']]);
    }
  });
});

describe('N6 strippers', () => {
  test('N6 a restartPolicy that was dropped is put back, with a warning and nothing else', () => {
    const pod = converted(jobPod());
    delete named(pod, 'proxy').restartPolicy;
    const result = mutation(pod, {}, NATIVE);
    assert.deepEqual(result.operations, [
      { op: 'add', path: '/spec/initContainers/0/restartPolicy', value: 'Always' },
    ]);
    assert.match(
      result.warnings.join(),
      /init container proxy: another webhook dropped its restartPolicy.*older than 1\.28/,
    );
  });
});

describe('N7 auto', () => {
  test('N7 native where the skew policy leaves no kubelet without it', () => {
    assert.equal(mode(jobPod(), policy('auto', 32)), 'native');
    assert.equal(mode(jobPod(), policy('auto', 31)), 'shim');
    assert.equal(mode(jobPod(), policy('auto', 31, { leastKubelet: 29 })), 'native');
    assert.equal(mode(jobPod(), policy('auto', 36, { leastKubelet: 28 })), 'shim');
    assert.equal(mode(jobPod(), policy('auto', 28, { leastKubelet: 29 })), 'shim');
    assert.equal(nativeSupport({ server: undefined }).available, false);
    assert.deepEqual(['v1.32.4-gke.1', '1.29', '1.29+', 'v2.1', '', '1.x'].map(parseMinor), [
      32,
      29,
      29,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('N7 native for what the shim cannot do, even where something is lost', () => {
    const lossy = note('stop-timeout.curfew.dev/proxy', '5s');
    const windows = jobPod(lossy, undefined, { os: { name: 'windows' } });
    assert.equal(mode(windows, AUTO), 'native');
    assert.equal(mutation(windows, {}, policy('shim')).reason, 'windows');
    assert.equal(mutation(windows, {}, policy('auto', 20)).reason, 'windows');
    const power = jobPod(lossy, undefined, { nodeSelector: { 'kubernetes.io/arch': 'ppc64le' } });
    assert.equal(mode(power, AUTO), 'native');
    const unknown = jobPod(lossy, [app({ command: undefined }), proxy()]);
    const notFound = { app: { ok: false, reason: 'image-not-found', message: 'gone' } } as const;
    assert.equal(mutation(unknown, notFound, AUTO).mode, 'native');
    assert.equal(mutation(unknown, notFound, policy('shim')).reason, 'image-not-found');
  });

  test('N7 the reason stands in the status', () => {
    const status = (pod: TestPod) => JSON.parse(pod.metadata.annotations?.['curfew.dev/status'] ?? '{}');
    assert.match(status(converted(jobPod(), AUTO)).why, /every kubelet of Kubernetes 1\.36/);
    const shim = jobPod();
    assert.match(status(applied(shim, mutation(shim, {}, policy('auto', 20)))).why, /1\.20 has no native/);
    assert.equal(status(converted(jobPod())).why, undefined);
  });
});
