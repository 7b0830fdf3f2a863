/** V2: a container that is a known sidecar by its name or its image alone is none, and its pod may never end: it is said. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig, policyOf } from '../../../webhook/config/config.ts';
import { reviewEvent } from '../../../webhook/server/review-event.ts';
import { app, applied, flag, jobPod, mutation, proxy, type TestContainer, wrapped } from './mutated-pod.ts';

const istio = proxy({ name: 'istio-proxy', image: 'istio/proxyv2' });
const byName = (more: object = {}) => proxy({ name: 'istio-proxy', image: 'team/mesh:1', ...more });
const byImage = (more: object = {}) => proxy({ name: 'mesh', image: 'istio/proxyv2:1.24', ...more });
const pod = (...containers: TestContainer[]) => jobPod({}, [app(), ...containers]);

describe('V2 a near miss', () => {
  test('V2 a known name with an unknown image: the reason, a warning and an Event with the line to write', () => {
    const result = mutation(pod(byName()));
    assert.deepEqual([result.outcome, result.reason, result.operations], ['unchanged', 'near-miss', []]);
    assert.deepEqual(result.warnings, [
      'Curfew: nothing is wrapped: container istio-proxy may be a sidecar (its name is known, its image is not): ' +
        'write curfew.dev/sidecars: istio-proxy, or list it in curfew.dev/mains if it ends by itself',
    ]);
    const event = reviewEvent(result, pod(byName()), 'job');
    assert.deepEqual(
      [event?.type, event?.reason, event?.cause],
      ['Warning', 'CurfewPassedOver', 'near-miss'],
    );
    assert.match(event?.message ?? '', /write curfew\.dev\/sidecars: istio-proxy, or list/);
  });

  test('V2 a known image with an unknown name', () => {
    const { reason, warnings } = mutation(pod(byImage()));
    assert.equal(reason, 'near-miss');
    assert.match(warnings.join(), /container mesh may be a sidecar \(its image is known, its name is not\)/);
    assert.match(warnings.join(), /write curfew\.dev\/sidecars: mesh, or/);
  });

  test('V2 the line that is written makes it a sidecar, and the other one ends the warning', () => {
    const annotated = (key: string, names: string) =>
      jobPod({ [`curfew.dev/${key}`]: names }, [app(), byName()]);
    assert.equal(flag(wrapped(annotated('sidecars', 'istio-proxy')), 'app', 'sidecars'), 'istio-proxy');
    const meant = mutation(annotated('mains', 'app, istio-proxy'));
    assert.deepEqual([meant.outcome, meant.warnings], ['unchanged', []]);
  });

  test('V2 several are named in start order', () => {
    const { warnings, message } = mutation(
      pod(proxy({ name: 'fluent-bit', image: 'team/logs:1' }), byName(), byImage()),
    );
    assert.match(
      message,
      /^Nothing is wrapped: container fluent-bit may .*, and so may istio-proxy, mesh: write /,
    );
    assert.match(warnings.join(), /write curfew\.dev\/sidecars: istio-proxy, mesh, fluent-bit, or/);
  });

  test('V2 beside a known sidecar the pod is wrapped, and the line names both', () => {
    const result = mutation(pod(istio, proxy({ name: 'logs', image: 'fluent/fluent-bit:3' })));
    assert.equal(result.outcome, 'wrapped');
    assert.deepEqual(result.warnings, [
      'Curfew: container logs may be a sidecar (its image is known, its name is not), and the pod ends only when it does: ' +
        'write curfew.dev/sidecars: istio-proxy, logs',
    ]);
    for (const annotations of [{ 'curfew.dev/sidecars': 'istio-proxy' }, { 'curfew.dev/mains': 'app, logs' }])
      assert.deepEqual(
        mutation(jobPod(annotations, [app(), istio, proxy({ name: 'logs', image: 'fluent/fluent-bit:3' })]))
          .warnings,
        [],
        'an annotation says who is who',
      );
  });

  test('V3 none where the pod is not meant to end, and where all would be sidecars', () => {
    const always = mutation(jobPod({}, [app(), byName()], { restartPolicy: 'Always' }));
    assert.deepEqual([always.reason, always.warnings], ['restart-policy-always', []]);
    const gateway = mutation(jobPod({}, [byName(), byImage()]));
    assert.deepEqual([gateway.reason, gateway.warnings], ['no-known-sidecar', []]);
  });

  test('V2 a pod that asks is told the same', () => {
    const asking = { ...pod(byName()), metadata: { labels: { 'curfew.dev/inject': 'true' } } };
    const { outcome, reason, warnings } = mutation(asking);
    assert.deepEqual([outcome, reason, warnings.length], ['unchanged', 'near-miss', 1]);
  });

  test('W3 a pod whose known sidecar another webhook replaces is unwrapped, with the warning', () => {
    const before = wrapped(pod(istio));
    const late = structuredClone(before);
    for (const container of late.spec.containers)
      if (container.name === 'istio-proxy') container.image = 'team/mesh:1';
    const result = mutation(late);
    assert.deepEqual([result.outcome, result.reason, result.warnings.length], ['unchanged', 'near-miss', 1]);
    assert.deepEqual(applied(late, result).spec.containers[0], app());
  });

  test('V2 an image that does other work too is a hint only where it does the sidecar’s', () => {
    const vault = (...args: string[]) =>
      mutation(pod(proxy({ name: 'secrets', image: 'hashicorp/vault', command: undefined, args }))).reason;
    assert.equal(vault('agent', '-config=/x'), 'near-miss');
    assert.equal(vault('sh', '-c', 'touch /x && vault agent -config=/x'), 'near-miss');
    assert.equal(vault('kv', 'get', 'secret/agent'), 'no-known-sidecar');
    assert.equal(vault(), 'no-known-sidecar');
    const docker = (image: string, args?: string[], command?: string[]) =>
      mutation(pod(proxy({ name: 'docker', image, command, args }))).reason;
    assert.equal(docker('docker:dind', ['--mtu=1400']), 'near-miss');
    assert.equal(docker('docker:dind', ['docker', 'build']), 'no-known-sidecar');
    assert.equal(docker('docker:dind', [], ['cat']), 'no-known-sidecar');
    for (const tag of ['dind', '24.0-dind-rootless', `dind@sha256:${'0'.repeat(64)}`])
      assert.equal(docker(`docker.io/library/docker:${tag}`), 'near-miss', tag);
    for (const image of ['docker', 'docker:24', 'dind:5000/docker', 'docker:latest-cli'])
      assert.equal(docker(image), 'no-known-sidecar', image);
    const opa = proxy({ name: 'opa', image: 'openpolicyagent/opa', args: ['run', '--server'] });
    assert.match(mutation(pod(opa)).message, /write curfew\.dev\/sidecars: opa/);
  });

  test('V2 a name that fits too many containers counts with its image only', () => {
    const azure = 'mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.1.0';
    assert.equal(mutation(pod(proxy({ name: 'proxy', image: azure }))).reason, 'wrapped');
    assert.equal(mutation(pod(proxy({ name: 'proxy', image: 'team/proxy:1' }))).reason, 'no-known-sidecar');
    const typo = mutation(jobPod({ 'curfew.dev/sidecars': 'proxy' }, [app(), proxy({ name: 'proxi' })]));
    assert.equal(typo.reason, 'no-such-container', 'no injector adds a container of that name');
  });

  test('V2 what the configuration disables is no near miss', () => {
    const policy = policyOf(parseConfig('catalogue: { disabled: [istio-proxy] }', 'c.yaml'));
    assert.equal(mutation(pod(istio), {}, policy).reason, 'no-known-sidecar');
    assert.equal(mutation(pod(byName()), {}, policy).reason, 'no-known-sidecar');
    assert.equal(mutation(pod(byImage()), {}, policy).reason, 'near-miss');
  });

  test('W9 no image, argument or value is in the message', () => {
    const odd = byName({ image: 's3cret/x:1', args: ['--s3cret'], env: [{ name: 'A', value: 's3cret' }] });
    const { message, warnings } = mutation(pod(odd));
    assert.doesNotMatch(JSON.stringify([message, warnings]), /s3cret/);
  });

  test('V2 an image that no registry would take is not looked at', () => {
    const { reason } = mutation(pod(byImage({ image: `${'a/'.repeat(100_000)}istio/proxyv2` })));
    assert.equal(reason, 'no-known-sidecar');
  });
});
