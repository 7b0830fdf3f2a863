/** An image that runs something else on each machine: all commands go into the pod, and the shim runs its own machine's. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MACHINES, othersWords, parseByMachine } from '../../../shim/machine-words.ts';
import { parseShimArguments, shimFlags } from '../../../shim/protocol.ts';
import type { ImageAnswer, ImageConfig } from '../../../webhook/decision/images.ts';
import { app, applied, flag, jobPod, mutation, named, proxy, type TestPod, wrapped } from './mutated-pod.ts';

function differing(amd64: Partial<ImageConfig>, arm64: Partial<ImageConfig>): ImageAnswer {
  const whole = (config: Partial<ImageConfig>) => ({ entrypoint: [], cmd: [], ...config });
  const config = whole(amd64);
  return {
    ok: true,
    config,
    byMachine: new Map([['amd64', config] as const, ['arm64', whole(arm64)] as const]),
  };
}

const image = differing(
  { entrypoint: ['/amd', '$(X)'], cmd: ['serve'] },
  { entrypoint: ['/arm'], cmd: ['serve'] },
);
const pod = (fields: object) => jobPod(undefined, [app({ command: undefined, ...fields }), proxy()]);

/** The command that the shim of a wrapped container runs on a machine. */
function runs(after: TestPod, machine: string): string[] {
  const { command = [], args = [] } = named(after, 'app');
  const options = parseShimArguments([...command.slice(1), ...args]);
  assert.ok(options.role === 'main' || options.role === 'sidecar');
  const words = [...options.command];
  for (const [at, count] of othersWords(options.byMachine ?? [], machine)) words.splice(at, count);
  return words;
}

describe('W5 machines that differ', () => {
  test('W5 ENTRYPOINT and CMD of each, escaped; args of the spec follow whichever it is', () => {
    const plain = wrapped(pod({}), { app: image });
    assert.deepEqual(runs(plain, 'amd64'), ['/amd', '$$(X)', 'serve']);
    assert.deepEqual(runs(plain, 'arm64'), ['/arm', 'serve']);
    assert.equal(flag(plain, 'app', 'by-machine'), 'amd64:3,arm64:2');
    const own = wrapped(pod({ args: ['$(MINE)'] }), { app: image });
    assert.deepEqual(runs(own, 'amd64'), ['/amd', '$$(X)', '$(MINE)']);
    assert.deepEqual(runs(own, 'arm64'), ['/arm', '$(MINE)']);
  });

  test('W5 a difference that the spec’s args stand for is none', () => {
    const cmds = differing({ entrypoint: ['/e'], cmd: ['a'] }, { entrypoint: ['/e'], cmd: ['b'] });
    const after = wrapped(pod({ args: ['x'] }), { app: cmds });
    assert.deepEqual(named(after, 'app').args, ['/e', 'x']);
    assert.equal(flag(after, 'app', 'by-machine'), undefined);
  });

  test('W6 no command on one of them', () => {
    const half = differing({ entrypoint: ['/e'] }, {});
    assert.equal(mutation(pod({}), { app: half }).reason, 'no-command');
    assert.deepEqual(runs(wrapped(pod({ args: ['x'] }), { app: half }), 'arm64'), ['x']);
  });

  test('W3 run again it changes nothing; what was appended since follows on each machine', () => {
    const after = wrapped(pod({ args: ['x'] }), { app: image });
    assert.equal(mutation(after, { app: image }).reason, 'already-wrapped');
    const appended = structuredClone(after);
    named(appended, 'app').args?.push('more');
    const again = applied(appended, mutation(appended, { app: image }));
    assert.deepEqual(runs(again, 'arm64'), ['/arm', 'x', 'more']);
    assert.deepEqual(runs(again, 'amd64'), ['/amd', '$$(X)', 'x', 'more']);
  });

  test('W3 an annotation that keeps the args and not the words, as an earlier version wrote it, asks the image again', () => {
    const after = wrapped(pod({ args: ['x'] }), { app: image });
    const annotations = after.metadata.annotations ?? {};
    const status = annotations['curfew.dev/status'] ?? '';
    annotations['curfew.dev/status'] = status.replace(/,"entrypoint":\[[^\]]*\]/g, ',"words":5');
    assert.notEqual(annotations['curfew.dev/status'], status);
    const result = mutation(after, { app: image });
    assert.notEqual(result.outcome, 'refused', result.message);
    const again = applied(after, result);
    assert.deepEqual(runs(again, 'arm64'), ['/arm', 'x']);
  });

  test('W3 changed words of several machines are refused, whichever', () => {
    for (const fields of [{}, { args: ['x'] }]) {
      const after = wrapped(pod(fields), { app: image });
      const { args = [] } = named(after, 'app');
      for (const other of [['/other'], args.slice(0, 1), ['env', ...args], args.slice(0, -1)]) {
        const late = structuredClone(after);
        named(late, 'app').args = other;
        const result = mutation(late, { app: image });
        assert.deepEqual([result.outcome, result.reason], ['refused', 'half-wrapped']);
        assert.match(result.message, /commands of several machines in its args, and they were changed/);
      }
    }
    const wrapper = wrapped(pod({}), { app: image });
    const { command = [], args = [] } = named(wrapper, 'app');
    Object.assign(named(wrapper, 'app'), { command: ['/vault-env'], args: [...command, ...args] });
    assert.equal(mutation(wrapper, { app: image }).reason, 'half-wrapped');
  });

  test('W3 more words behind an image’s own CMD, on several machines, are refused: no args could say that', () => {
    const late = wrapped(pod({}), { app: image });
    named(late, 'app').args?.push('more');
    assert.equal(mutation(late, { app: image }).reason, 'half-wrapped');
  });

  test('W3 without the annotation that keeps the originals, the image is asked again', () => {
    for (const args of [undefined, ['x']]) {
      const after = wrapped(pod(args === undefined ? {} : { args }), { app: image });
      delete after.metadata.annotations?.['curfew.dev/status'];
      const again = applied(after, mutation(after, { app: image }));
      assert.deepEqual(runs(again, 'arm64'), ['/arm', ...(args ?? ['serve'])]);
    }
  });

  test('the report has each machine’s command', () => {
    const [told] = mutation(pod({}), { app: image }).containers;
    assert.deepEqual(told?.command, ['/amd', '$$(X)', 'serve']);
    assert.deepEqual(told?.byMachine, [
      { machine: 'amd64', command: ['/amd', '$$(X)', 'serve'] },
      { machine: 'arm64', command: ['/arm', 'serve'] },
    ]);
  });
});

test('the words of others, the last first, so that one after the other can be left out', () => {
  const both = parseByMachine('amd64:2,arm64:3') ?? [];
  assert.deepEqual(othersWords(both, 'amd64'), [[2, 3]]);
  assert.deepEqual(othersWords(both, 'riscv64'), [
    [2, 3],
    [0, 2],
  ]);
});

test('--by-machine: written and read', () => {
  assert.deepEqual(parseByMachine('amd64:2,arm64:0'), [
    { machine: 'amd64', words: 2 },
    { machine: 'arm64', words: 0 },
  ]);
  for (const bad of [
    '',
    'amd64',
    'amd64:',
    'amd64:x',
    'amd64:-1',
    'amd64:1.5',
    'vax:1',
    'amd64:1:2',
    'amd64:1,',
  ])
    assert.equal(parseByMachine(bad), undefined, bad);
  assert.throws(
    () => parseShimArguments(['main', '--name=a', '--mains=a', '--by-machine=vax:1', '--', 'x']),
    /--by-machine=vax:1 does not parse; an example: --by-machine=amd64:2,arm64:1/,
  );
  const parsed = parseShimArguments([
    'main',
    '--name=a',
    '--mains=a',
    '--by-machine=amd64:1,arm64:1',
    '--',
    'x',
    'y',
  ]);
  assert.ok(parsed.role === 'main');
  assert.deepEqual(
    shimFlags(parsed).filter((word) => word.startsWith('--by')),
    ['--by-machine=amd64:1,arm64:1'],
  );
  assert.deepEqual(MACHINES, ['amd64', 'arm64']);
});
