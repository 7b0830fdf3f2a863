/** Wrapped pods that come again and are not what Curfew wrote: edited copies, and what other webhooks rewrote (W3). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prepare } from '../../../webhook/decision/mutate.ts';
import {
  app,
  applied,
  image,
  jobPod,
  mutation,
  named,
  POLICY,
  proxy,
  type TestContainer,
  type TestPod,
  wrapped,
} from './mutated-pod.ts';

const SHIM = '/curfew/bin/curfew-shim';
const IMAGE = { app: image({ entrypoint: ['/entry', '$(E)'], cmd: ['serve'], stopSignal: 'SIGQUIT' }) };

/** Wrapped, its container `app` changed, and asked again. */
function edited(fields: object, change: object | ((one: TestContainer) => void), annotations = {}) {
  const pod = jobPod({ 'curfew.dev/sidecars': 'proxy', ...annotations }, [app(fields), proxy()]);
  const late = wrapped(pod, IMAGE);
  if (typeof change === 'function') change(named(late, 'app'));
  else Object.assign(named(late, 'app'), change);
  const result = mutation(late, IMAGE);
  return { late, result, after: applied(late, result) };
}

const ran = (...[fields, change, annotations]: Parameters<typeof edited>) => {
  const { after, result } = edited(fields, change, annotations);
  assert.notEqual(result.outcome, 'refused', result.message);
  assert.deepEqual(mutation(after, IMAGE).operations, []);
  return named(after, 'app').args;
};

function refused(...[fields, change, annotations]: Parameters<typeof edited>): string {
  const { result } = edited(fields, change, annotations);
  assert.equal(result.outcome, 'refused', result.message);
  assert.equal(result.reason, 'half-wrapped');
  assert.match(result.message, /write in its command and args what it is to run, without \/curfew\/bin\//);
  return result.message;
}

describe('W3 an edited copy of a wrapped pod runs the words that stand in it', () => {
  const own: [string, object][] = [
    ['command', { command: ['say', 'old', 'exit', '5'] }],
    ['command and args', { command: ['say'], args: ['old', 'exit', '5'] }],
    ['args', { command: undefined, args: ['old'] }],
    ['neither', { command: undefined }],
  ];
  for (const [what, fields] of own)
    test(`W3 ${what}: other words, more words, as many, fewer`, () => {
      const { late } = edited(fields, {});
      const words = named(late, 'app').args ?? [];
      for (const args of [
        ['/other'],
        [...words, 'more'],
        [...words.slice(0, -1), 'new'],
        ['new', ...words.slice(1)],
        ['env', ...words],
        words.slice(0, -1),
      ])
        assert.deepEqual(ran(fields, { args }), args);
    });

  test('W3 from then on they are the original: opted out, the pod has them as its command', () => {
    for (const [fields, words] of [
      [{ args: ['old'] }, ['/other', '$(X)']],
      [{ args: ['old'] }, ['migrate']],
      [{ command: undefined, args: ['old'] }, ['/entry', '$$(E)']],
    ] as const) {
      const { after } = edited(fields, { args: [...words] });
      after.metadata.labels = { 'curfew.dev/inject': 'false' };
      const { command, args } = named(applied(after, mutation(after)), 'app');
      assert.deepEqual([command, args], [words, undefined]);
    }
  });

  test('W3 only its own args changed: the image is still asked, for its STOPSIGNAL as well', () => {
    const { late, after } = edited(
      { command: undefined, args: ['old'] },
      { args: ['/entry', '$$(E)', 'new'] },
    );
    assert.deepEqual(prepare(late, POLICY).images, [{ container: 'app', image: 'app:1' }]);
    assert.ok(named(after, 'app').command?.includes('--stop-signal=QUIT'));
  });

  test('W3 words behind the shim’s in its command count too', () => {
    assert.deepEqual(
      ran({}, (one) => void one.command?.push('say', 'new')),
      ['say', 'new', 'migrate'],
    );
  });

  test('W3 an annotation that gives the entrypoint: what follows it may change', () => {
    const wish = { 'entrypoint.curfew.dev/app': '["/mine", "-x"]' };
    assert.deepEqual(ran({ args: ['a'] }, { args: ['/mine', '-x', 'b'] }, wish), ['/mine', '-x', 'b']);
    assert.deepEqual(ran({}, { args: ['/mine', '-x', 'b'] }, wish), ['/mine', '-x', 'b']);
    const { result } = edited({ args: ['a'] }, { args: ['/other'] }, wish);
    assert.deepEqual([result.outcome, result.reason], ['refused', 'bad-annotation']);
    assert.match(
      result.message,
      /^Annotation entrypoint\.curfew\.dev\/app says another command than the args/,
    );
  });

  test('W3 args as they were, and another annotation: the annotation counts, and without it the container’s own command', () => {
    const wish = { 'entrypoint.curfew.dev/app': '["/mine"]' };
    const { late } = edited({ args: ['a'] }, {}, wish);
    late.metadata.annotations = { ...late.metadata.annotations, 'entrypoint.curfew.dev/app': '["/new"]' };
    assert.deepEqual(named(applied(late, mutation(late)), 'app').args, ['/new', 'a']);
    delete late.metadata.annotations['entrypoint.curfew.dev/app'];
    assert.deepEqual(named(applied(late, mutation(late)), 'app').args, ['migrate', 'a']);
  });

  test('W3 a status that does not say what was written: the words of the pod count', () => {
    for (const entry of ['{"role":"main"}', '{"role":"main","args":["up"],"words":2}']) {
      const pod = wrapped(jobPod());
      const status = `{"containers":{"app":${entry},"proxy":{"command":["/proxy"]}}}`;
      pod.metadata.annotations = { ...pod.metadata.annotations, 'curfew.dev/status': status };
      assert.deepEqual(named(applied(pod, mutation(pod)), 'app').args, ['migrate']);
    }
  });
});

describe('W3 a pod whose command cannot be told is refused, with the way out', () => {
  test('W3 no command left', () => {
    for (const args of [[], undefined])
      assert.match(refused({}, { args }), /^Container app runs .* without a command:/);
    const pod = wrapped(jobPod());
    delete pod.metadata.annotations?.['curfew.dev/status'];
    delete named(pod, 'app').args;
    assert.equal(mutation(pod).reason, 'half-wrapped');
  });

  test('W3 a command that is half ours', () => {
    const cut = (one: TestContainer) => {
      one.command = (one.command ?? []).slice(0, -1);
    };
    assert.deepEqual(ran({}, cut), ['migrate'], 'what the args say is still what we wrote');
    const both = (one: TestContainer) => {
      cut(one);
      one.args = ['new'];
    };
    assert.match(refused({}, both), /without the end of its flags/);
  });

  test('W3 the way out: the container’s own command again, whatever else stays', () => {
    assert.deepEqual(ran({}, { command: ['say', 'new'], args: undefined }), ['say', 'new']);
  });

  test('W3 not one that is opted out half', () => {
    const pod: TestPod = wrapped(jobPod());
    pod.metadata.labels = { 'curfew.dev/inject': 'false' };
    named(pod, 'app').args = [];
    assert.equal(mutation(pod).reason, 'half-wrapped');
  });
});

describe('W3 another webhook that has the command run by something of its own', () => {
  const behind = (one: TestContainer) => {
    one.args = [...(one.command ?? []), ...(one.args ?? [])];
    one.command = ['/vault/vault-env'];
  };

  test('W3 the shim runs that, and not that another shim', () => {
    assert.deepEqual(ran({ args: ['up'] }, behind), ['/vault/vault-env', 'migrate', 'up']);
    const all = (one: TestContainer) => {
      one.command = ['/vault/vault-env', ...(one.command ?? [])];
    };
    assert.deepEqual(ran({}, all), ['/vault/vault-env', 'migrate']);
    const { after } = edited({}, behind);
    assert.equal(JSON.stringify(named(after, 'app').args).includes(SHIM), false);
  });

  test('W3 refused where a part of ours is gone', () => {
    const cut = (one: TestContainer) => {
      behind(one);
      one.args = (one.args ?? []).filter((word) => word !== '--');
    };
    assert.match(refused({}, cut), /without the end of its flags/);
  });

  test('W3 a container that only names the shim is none of ours', () => {
    const pod = jobPod(undefined, [app({ command: ['ls', SHIM] }), proxy()], {
      volumes: [{ name: 'curfew-run', emptyDir: {} }],
    });
    assert.equal(mutation(pod).reason, 'name-taken');
  });
});

test('W3 an annotated command that another webhook has run by its own is refused: one of both would be lost', () => {
  const annotations = { 'entrypoint.curfew.dev/app': '["/mine"]' };
  const { result } = edited(
    { command: undefined, args: ['a'] },
    (one: TestContainer) => {
      one.args = [...(one.command ?? []), ...(one.args ?? [])];
      one.command = ['/vault/vault-env'];
    },
    annotations,
  );
  assert.equal(result.outcome, 'refused', result.message);
  assert.equal(result.reason, 'bad-annotation');
});
