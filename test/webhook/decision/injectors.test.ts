/** The output of Istio's, Linkerd's and Vault's injectors, by the mutation, the command line and the webhook. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { curfew } from '../commands/test-terminal.ts';
import { review } from '../server/review-examples.ts';
import { at, serveWebhook } from '../server/served-webhook.ts';
import { normalised, withoutOurs } from './compared-pod.ts';
import { INJECTOR_OUTPUTS, injectorOutput } from './injector-output.ts';
import { afterRun, applied, flag, mutation, named, type TestPod, wrapped } from './mutated-pod.ts';

/** The right result of one run over the injected pod. */
interface Expected {
  mains: string;
  /** In start order. */
  sidecars: string;
  /** By sidecar; one that is missing is waited for only until it runs. */
  ready: Record<string, string>;
  /** The first words of each sidecar's command. */
  runs: Record<string, string[]>;
  initContainers: string[];
  warnings: RegExp[];
}

const ISTIO_READY = 'http://:15021/healthz/ready';
const LINKERD_READY = 'http://:4191/ready';
const PILOT_AGENT = ['/usr/local/bin/pilot-agent', 'proxy', 'sidecar'];
const LINKERD_PROXY = ['/usr/lib/linkerd/linkerd2-proxy-identity'];

const WRAPPED: Record<string, Expected> = {
  istio: {
    mains: 'report',
    sidecars: 'istio-proxy',
    ready: { 'istio-proxy': ISTIO_READY },
    runs: { 'istio-proxy': PILOT_AGENT },
    initContainers: ['curfew-install', 'schema', 'istio-init'],
    warnings: [],
  },
  'istio-hold': {
    mains: 'report',
    sidecars: 'istio-proxy',
    ready: { 'istio-proxy': ISTIO_READY },
    runs: { 'istio-proxy': PILOT_AGENT },
    initContainers: ['curfew-install', 'istio-init'],
    warnings: [],
  },
  'istio-cni': {
    mains: 'migrate',
    sidecars: 'istio-proxy,cloud-sql-proxy',
    ready: {
      'istio-proxy': ISTIO_READY,
      'cloud-sql-proxy': 'http://:15020/app-health/cloud-sql-proxy/startupz',
    },
    runs: { 'istio-proxy': PILOT_AGENT, 'cloud-sql-proxy': ['/cloud-sql-proxy', '--health-check'] },
    initContainers: ['curfew-install', 'istio-validation', 'schema'],
    warnings: [],
  },
  linkerd: {
    mains: 'report',
    sidecars: 'linkerd-proxy',
    ready: { 'linkerd-proxy': LINKERD_READY },
    runs: { 'linkerd-proxy': LINKERD_PROXY },
    initContainers: ['curfew-install', 'schema', 'linkerd-init'],
    warnings: [],
  },
  'linkerd-await': {
    mains: 'report',
    sidecars: 'linkerd-proxy',
    ready: { 'linkerd-proxy': LINKERD_READY },
    runs: { 'linkerd-proxy': LINKERD_PROXY },
    initContainers: ['curfew-install', 'linkerd-init'],
    warnings: [/sidecar linkerd-proxy: its preStop hook runs when the pod is deleted/],
  },
  'linkerd-cni': {
    mains: 'report',
    sidecars: 'linkerd-proxy,linkerd-debug',
    ready: { 'linkerd-proxy': LINKERD_READY, 'linkerd-debug': 'exec:["true"]' },
    runs: { 'linkerd-proxy': LINKERD_PROXY, 'linkerd-debug': ['tshark', '-i', 'any'] },
    initContainers: ['curfew-install', 'linkerd-network-validator'],
    warnings: [],
  },
  vault: {
    mains: 'report',
    sidecars: 'vault-agent',
    ready: {},
    runs: {
      'vault-agent': [
        '/bin/sh',
        '-ec',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
        'echo ${VAULT_CONFIG?} | base64 -d > /home/vault/config.json && vault agent -config=/home/vault/config.json',
      ],
    },
    initContainers: ['curfew-install', 'schema', 'vault-agent-init'],
    warnings: [],
  },
  'vault-init-first': {
    mains: 'report',
    sidecars: 'vault-agent',
    ready: {},
    runs: {
      'vault-agent': [
        '/bin/sh',
        '-ec',
        'touch /home/vault/.vault-token && vault agent -config=/vault/configs/config.hcl',
      ],
    },
    initContainers: ['curfew-install', 'vault-agent-init', 'schema'],
    warnings: [/sidecar vault-agent: its preStop hook runs when the pod is deleted/],
  },
};

const PASSED: Record<string, string> = {
  'istio-native': 'native-sidecar',
  'linkerd-native': 'native-sidecar',
  'vault-only-init': 'no-known-sidecar',
};

test('every file is expected to become something', () => {
  assert.deepEqual(
    INJECTOR_OUTPUTS.map(({ name }) => name).sort(),
    [...Object.keys(WRAPPED), ...Object.keys(PASSED)].sort(),
  );
});

describe('one run over the injected pod', () => {
  for (const [name, expected] of Object.entries(WRAPPED))
    test(`V2 W4 W5 L1 ${name}`, () => {
      const pod = injectorOutput(name).after();
      const result = mutation(pod);
      const after = wrapped(pod);
      for (const { name: container } of after.spec.containers) {
        assert.equal(flag(after, container, 'mains'), expected.mains);
        assert.equal(flag(after, container, 'sidecars'), expected.sidecars);
        assert.equal(flag(after, container, 'ready'), expected.ready[container]);
        // None of the three images has a STOPSIGNAL: TERM.
        assert.equal(flag(after, container, 'stop-signal'), undefined);
      }
      for (const [container, words] of Object.entries(expected.runs))
        assert.deepEqual(named(after, container).args?.slice(0, words.length), words);
      assert.deepEqual(
        after.spec.initContainers?.map((init) => init.name),
        expected.initContainers,
      );
      assert.equal(result.warnings.length, expected.warnings.length, result.warnings.join('\n'));
      expected.warnings.forEach((warning, i) => {
        assert.match(result.warnings[i] ?? '', warning);
      });
      // W8: hooks, probes, environment, user and all that Curfew does not know.
      assert.deepEqual(withoutOurs(after), withoutOurs(pod));
      assert.deepEqual(mutation(after).operations, []);
    });

  for (const [name, reason] of Object.entries(PASSED))
    test(`W7 ${name} passes unchanged`, () => {
      const result = mutation(injectorOutput(name).after());
      assert.deepEqual(
        [result.outcome, result.reason, result.operations, result.warnings],
        ['unchanged', reason, [], []],
      );
    });
});

describe('the command line', () => {
  for (const { name, text, after } of INJECTOR_OUTPUTS)
    test(`W2 W3 curfew inject: ${name}`, async () => {
      const { code, out } = await curfew(['inject', '-f', '-', '--shim-image', SHIM], text);
      assert.equal(code, 0);
      if (name in PASSED) assert.equal(out, text);
      const again = await curfew(['inject', '-f', '-', '--shim-image', SHIM], out);
      assert.equal(again.out, out);
      const pod: TestPod = parse(out);
      const statusless = withoutStatus(pod);
      assert.deepEqual(normalised(statusless), normalised(withoutStatus(afterRun(after()))));
      assert.equal(
        out.split('\n').filter((line) => line.startsWith('#')).length,
        text.split('\n').filter((line) => line.startsWith('#')).length,
      );
    });
});

/** The image of the version that `afterRun` runs as. */
const SHIM = 'ghcr.io/curfew-dev/curfew-shim:1.2.3';

function withoutStatus(pod: TestPod): TestPod {
  const { 'curfew.dev/status': _, ...annotations } = pod.metadata.annotations ?? {};
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

test('W2 W3 the webhook: each of them, twice, and after ours', async (t) => {
  const webhook = await serveWebhook(t, { policy: (policy) => ({ ...policy, version: '1.2.3' }) });
  const ask = async (pod: TestPod): Promise<TestPod> => {
    const { status, body } = await webhook.post(JSON.stringify(review(pod)));
    assert.equal(status, 200);
    assert.equal(at(body, 'response', 'allowed'), true);
    const patch = at(body, 'response', 'patch');
    const operations = JSON.parse(
      Buffer.from(typeof patch === 'string' ? patch : 'W10=', 'base64').toString(),
    );
    return applied(pod, { ...mutation(pod), operations });
  };
  for (const { before, after, inject, name } of INJECTOR_OUTPUTS) {
    const once = await ask(after());
    assert.deepEqual(withoutImage(once), withoutImage(afterRun(after())), `${name}, once`);
    assert.deepEqual(await ask(once), once, `${name}, twice`);
    const onlyAfter = await ask(inject(before()));
    const beforeAndAfter = await ask(inject(await ask(before())));
    assert.deepEqual(normalised(beforeAndAfter), normalised(onlyAfter), `${name}, after ours`);
  }
});

/** The served one's shim image is that of its own version. */
function withoutImage(pod: TestPod): unknown {
  const text = JSON.stringify(pod).replaceAll(/curfew-shim:[\d.]+/g, 'curfew-shim:x');
  return JSON.parse(text);
}
