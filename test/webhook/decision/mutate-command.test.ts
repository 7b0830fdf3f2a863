import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { escapeExpansion } from '../../../webhook/decision/expansion.ts';
import { lookupIsOff } from '../../../webhook/decision/images.ts';
import { prepare } from '../../../webhook/decision/mutate.ts';
import { app, flag, image, jobPod, mutation, named, POLICY, proxy, wrapped } from './mutated-pod.ts';

const SIDECARS = { 'curfew.dev/sidecars': 'proxy' };
const config = image({ entrypoint: ['/entry', '$(HOME)'], cmd: ['serve', '$(X)'], stopSignal: 'SIGQUIT' });

describe('W5 the command', () => {
  const cases: [string, object, string[]][] = [
    ['command', { command: ['a', '$(B)'] }, ['a', '$(B)']],
    ['command and args', { command: ['a'], args: ['$(C)', 'd'] }, ['a', '$(C)', 'd']],
    ['args: ENTRYPOINT and args', { command: undefined, args: ['$(C)'] }, ['/entry', '$$(HOME)', '$(C)']],
    ['neither: ENTRYPOINT and CMD', { command: undefined }, ['/entry', '$$(HOME)', 'serve', '$$(X)']],
    ['empty lists are neither', { command: [], args: [] }, ['/entry', '$$(HOME)', 'serve', '$$(X)']],
  ];
  for (const [what, fields, words] of cases)
    test(`W5 ${what}`, () => {
      const pod = jobPod(SIDECARS, [app(fields), proxy()]);
      assert.deepEqual(named(wrapped(pod, { app: config }), 'app').args, words);
    });

  test('W5 the annotation stands for the ENTRYPOINT and wins over the command; args follow it', () => {
    const annotations = { ...SIDECARS, 'entrypoint.curfew.dev/app': '["/mine", "$(A)"]' };
    for (const [fields, words] of [
      [{ command: undefined }, ['/mine', '$(A)']],
      [{ command: undefined, args: ['x'] }, ['/mine', '$(A)', 'x']],
      [{ command: ['other'], args: ['x'] }, ['/mine', '$(A)', 'x']],
    ] as const) {
      const pod = jobPod(annotations, [app(fields), proxy()]);
      assert.deepEqual(prepare(pod, POLICY).images, []);
      assert.deepEqual(named(wrapped(pod), 'app').args, words);
    }
  });

  test('W5 only what the spec does not say is looked up', () => {
    const pod = jobPod({}, [
      app({ command: undefined }),
      proxy({ name: 'istio-proxy', image: 'x/istio/proxyv2', command: undefined, args: ['proxy'] }),
    ]);
    assert.deepEqual(prepare(pod, POLICY).images, [{ container: 'app', image: 'app:1' }]);
    assert.deepEqual(prepare(jobPod(), POLICY).images, []);
    assert.deepEqual(prepare(jobPod({}), POLICY).images, [], 'a pod that is not wrapped needs no image');
  });

  test('W5 the kubelet’s expansion gives back what the image says, for any text', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', '_', ' ', '$(A)', '$$') });
    fc.assert(
      fc.property(text, (word) => {
        assert.equal(kubeletExpansion(escapeExpansion(word), { A: 'expanded', '': 'empty' }), word);
      }),
    );
    assert.equal(escapeExpansion('$(A) $B $'), '$$(A) $B $');
  });

  test('W5 the image’s STOPSIGNAL is a flag of the shim, but for TERM', () => {
    const pod = jobPod(SIDECARS, [app({ command: undefined }), proxy({ command: undefined })]);
    const term = image({ entrypoint: ['p'], stopSignal: 'SIGTERM' });
    const result = wrapped(pod, { app: config, proxy: term });
    assert.equal(flag(result, 'app', 'stop-signal'), 'QUIT');
    assert.equal(flag(result, 'proxy', 'stop-signal'), undefined);
  });
});

describe('W6 an image that is not known', () => {
  const unknown = lookupIsOff({ container: 'app', image: 'app:1' });

  test('W6 with explicit annotations the pod is refused with the way out', () => {
    for (const images of [{ app: unknown }, {}]) {
      const result = mutation(jobPod(SIDECARS, [app({ command: undefined }), proxy()]), images);
      assert.equal(result.outcome, 'refused');
      assert.match(result.message, /entrypoint\.curfew\.dev\/app: '\["\/program"\]'/);
    }
  });

  test('W6 a sidecar known from the catalogue alone: a warning, and the pod unchanged', () => {
    const istio = proxy({ name: 'istio-proxy', image: 'istio/proxyv2', command: undefined, args: ['proxy'] });
    const result = mutation(jobPod({}, [app({ command: undefined }), istio]), { app: unknown });
    assert.deepEqual(
      [result.outcome, result.reason, result.operations],
      ['unchanged', 'image-lookup-off', []],
    );
    assert.match(
      result.warnings[0] ?? '',
      /not wrapped: container app sets no command.*entrypoint\.curfew\.dev\/app/,
    );
  });

  test('W6 an image without a command', () => {
    const result = mutation(jobPod(SIDECARS, [app({ command: undefined }), proxy()]), { app: image({}) });
    assert.deepEqual([result.outcome, result.reason], ['refused', 'no-command']);
  });
});

describe('P7 the stop signal', () => {
  test('P7 lifecycle.stopSignal, else the annotation, else the image', () => {
    const annotations = {
      ...SIDECARS,
      'stop-signal.curfew.dev/app': 'SIGINT',
      'stop-signal.curfew.dev/proxy': '10',
    };
    const containers = [app({ command: undefined }), proxy({ lifecycle: { stopSignal: 'SIGRTMIN+3' } })];
    const pod = jobPod(annotations, containers);
    const result = wrapped(pod, { app: config });
    assert.equal(flag(result, 'app', 'stop-signal'), 'INT');
    assert.equal(flag(result, 'proxy', 'stop-signal'), 'RTMIN+3');
    assert.match(
      mutation(pod, { app: config }).warnings.join(),
      /stop-signal\.curfew\.dev\/proxy has no effect/,
    );
  });
});

/** The kubelet's expansion, written from its description: `$$` is `$`, `$(NAME)` is the value or itself. */
function kubeletExpansion(text: string, values: Record<string, string>): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const next = text[i + 1];
    if (text[i] !== '$' || next === undefined) out += text[i];
    else if (next === '$') {
      out += '$';
      i++;
    } else if (next === '(') {
      const end = text.indexOf(')', i);
      const name = text.slice(i + 2, end);
      if (end < 0) {
        out += '$(';
        i++;
      } else {
        out += values[name] ?? `$(${name})`;
        i = end;
      }
    } else out += '$';
  }
  return out;
}
