/** The injectors of Istio, Linkerd and Vault before, after and between runs of ours (W3). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normalised } from './compared-pod.ts';
import { INJECTOR_OUTPUTS, injectorOutput, isInjected } from './injector-output.ts';
import { afterRun, flag, mutation, type TestPod } from './mutated-pod.ts';

/** The ways to name mains and sidecars, of which some work before the sidecar is there. */
const WISHES: Record<string, () => Record<string, string>> = {
  'without annotations': () => ({}),
  'with its mains named': () => ({ 'curfew.dev/mains': 'report' }),
  'with wishes for the sidecar that is to come': () => ({
    'ready.curfew.dev/istio-proxy': 'tcp://:15021',
    'ready.curfew.dev/linkerd-proxy': 'tcp://:4191',
    'stop-timeout.curfew.dev/vault-agent': '5s',
  }),
};

function assertSame(pod: TestPod, direct: TestPod): void {
  assert.deepEqual(comparable(afterRun(pod)), comparable(afterRun(direct)));
}

/** Vault mounts its secrets in every container that it finds; what it gave to Curfew's init container stays, and does no harm. */
function comparable(pod: TestPod): unknown {
  const copy = structuredClone(pod);
  for (const one of copy.spec.initContainers ?? [])
    if (one.name === 'curfew-install')
      one.volumeMounts = one.volumeMounts?.filter(({ name }) => name !== 'vault-secrets') ?? [];
  return normalised(copy);
}

function reordered(pod: TestPod): TestPod {
  const copy = structuredClone(pod);
  copy.spec.containers.reverse();
  copy.spec.initContainers?.reverse();
  return copy;
}

function withoutInjected(pod: TestPod): TestPod {
  const copy = structuredClone(pod);
  copy.spec.containers = copy.spec.containers.filter((one) => !isInjected(one));
  return copy;
}

for (const [way, wishes] of Object.entries(WISHES))
  describe(`W3 another injector, a pod ${way}`, () => {
    for (const output of INJECTOR_OUTPUTS) {
      const bare = (): TestPod => {
        const pod = output.before();
        const annotations = wishes();
        if (output.name === 'istio-cni' && 'curfew.dev/mains' in annotations)
          annotations['curfew.dev/mains'] = 'migrate';
        return { ...pod, metadata: { ...pod.metadata, annotations } };
      };
      const final = () => output.inject(bare());

      test(`W3 ${output.name}: after ours, and ours again`, () => {
        // Nothing to wrap yet, or only the pod's own sidecar; never a refusal, which would be the end of it.
        assert.notEqual(mutation(bare()).outcome, 'refused');
        const late = output.inject(afterRun(bare()));
        const wraps = !/-native$|-only-init$/.test(output.name);
        assert.equal(mutation(late).outcome, wraps ? 'wrapped' : 'unchanged');
        assertSame(late, final());
      });

      test(`W3 ${output.name}: before ours, and called again after it`, () => {
        const after = afterRun(final());
        assert.deepEqual(comparable(output.inject(after)), comparable(after));
        assertSame(output.render(after), final());
      });

      test(`W3 ${output.name}: between two runs it renders its template anew`, () =>
        assertSame(output.render(afterRun(output.inject(afterRun(bare())))), final()));

      test(`W3 ${output.name}: reordered`, () =>
        assertSame(reordered(afterRun(final())), reordered(final())));

      test(`W3 ${output.name}: its sidecars removed`, () =>
        assertSame(withoutInjected(afterRun(final())), withoutInjected(final())));
    }
  });

test('W3 all of them at once, in two orders, whichever comes when', () => {
  const injectors = ['istio-hold', 'vault'].map(injectorOutput);
  for (const order of [injectors, injectors.toReversed()]) {
    const bare = injectorOutput('istio').before();
    const direct = order.reduce((pod, { inject }) => inject(pod), bare);
    assertSame(
      order.reduce((pod, { inject }) => inject(afterRun(pod)), bare),
      direct,
    );
    assert.equal(flag(afterRun(direct), 'report', 'sidecars'), 'istio-proxy,vault-agent');
  }
});
