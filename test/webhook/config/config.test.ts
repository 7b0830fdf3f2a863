import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ConfigError,
  type Override,
  parseConfig,
  policyOf,
  readConfig,
} from '../../../webhook/config/config.ts';
import { CONFIG } from '../../../webhook/config/schema.ts';
import { describeKeys } from '../../../webhook/config/schema-keys.ts';

test('an empty file is all defaults', () => {
  for (const text of ['', '{}', '# nothing\n']) {
    const config = parseConfig(text, 'c.yaml');
    assert.equal(config.listen.port, 8443);
    assert.equal(config.listen.healthPort, 8080);
    assert.equal(config.limits.bodyBytes, 7 * 1024 * 1024);
    assert.equal(config.limits.requestTimeout, 10_000);
    assert.equal(config.tls.reloadInterval, 10_000);
    assert.equal(config.log.level, 'info');
    assert.deepEqual(config.shim.resources, {
      requests: { cpu: '10m', memory: '16Mi' },
      limits: { cpu: '100m', memory: '32Mi' },
    });
  }
});

test('every key is accepted', () => {
  const config = parseConfig(
    `
listen: { host: 127.0.0.1, port: 1, healthPort: 2 }
tls: { certFile: /c, keyFile: /k, reloadInterval: 1m }
shim:
  image: registry.local:5000/shim@sha256:${'0123'.repeat(16)}
  imagePullPolicy: Never
  resources: { requests: { cpu: "0.5", memory: 1Gi }, limits: { cpu: "1", memory: 2Gi } }
catalogue:
  extra: [{ names: [mine], images: [local/mine], order: 5, ready: "tcp://:1", stopSignal: INT, entrypoint: [/m], cmd: [x] }]
  disabled: [istio-proxy]
startTimeout: 1h30m
log: { level: debug }
limits: { bodyBytes: 100000, requestTimeout: 2s }
shutdown: { delay: 0s, gracePeriod: 1s }
`,
    'c.yaml',
  );
  assert.equal(config.tls.reloadInterval, 60_000);
  const policy = policyOf(config);
  assert.equal(policy.shim.image, `registry.local:5000/shim@sha256:${'0123'.repeat(16)}`);
  assert.equal(policy.shim.imagePullPolicy, 'Never');
  assert.equal(policy.startTimeout, 90 * 60_000);
  assert.deepEqual(policy.catalogue[0], {
    names: ['mine'],
    images: ['local/mine'],
    order: 5,
    ready: 'tcp://:1',
    stopSignal: 'INT',
    entrypoint: ['/m'],
    cmd: ['x'],
  });
  assert.ok(!policy.catalogue.some(({ names }) => names.includes('istio-proxy')));
});

const WRONG: Record<string, RegExp> = {
  'listen: { prot: 1 }':
    /^c\.yaml: unknown key listen\.prot, did you mean listen\.port\? Known keys of listen: host, port, healthPort$/,
  'port: 1': /^c\.yaml: unknown key port, did you mean listen\.port\? Known sections: listen, tls, /,
  'lisen: {}': /unknown key lisen, did you mean listen\?/,
  'listen: { port: "8443" }': /listen\.port is "8443", which is not allowed; it takes a port, 1 to 65535/,
  'listen: { port: 70000 }': /listen\.port is 70000, which is not allowed/,
  'listen: { port: 1.5 }': /listen\.port is 1\.5, which is not allowed/,
  'listen: []': /listen is a list, which is not allowed; it takes a map with the keys host, port, healthPort/,
  'listen:': /listen is null, which is not allowed/,
  'log: { level: loud }':
    /log\.level is "loud", which is not allowed; it takes trace, debug, info, warn, error, fatal, silent/,
  'limits: { requestTimeout: 10 }':
    /limits\.requestTimeout is 10, which is not allowed; it takes a duration from 100ms to 5m/,
  'startTimeout: 0s': /startTimeout is "0s", which is not allowed; it takes a duration from 1s to 168h/,
  'startTimeout: 300': /startTimeout is 300, which is not allowed/,
  'startTimeout: 169h': /startTimeout is "169h", which is not allowed/,
  'limits: { requestTimeout: 1ms }': /limits\.requestTimeout is "1ms", which is not allowed/,
  'limits: { bodyBytes: 1 }': /limits\.bodyBytes is 1, which is not allowed; it takes a number of bytes/,
  'shim: { image: "two words" }':
    /shim\.image is "two words", which is not allowed; it takes an image reference/,
  'shim: { image: Ghcr.io/UPPER:1 }':
    /shim\.image is "Ghcr\.io\/UPPER:1", which is not allowed; it takes an image reference such as ghcr/,
  'shim: { image: "shim@sha256:0123" }': /shim\.image is "shim@sha256:0123", which is not allowed/,
  'shim: { imagePullPolicy: Sometimes }': /imagePullPolicy is "Sometimes".*Always, IfNotPresent or Never/,
  'shim: { resources: { requests: { cpu: much } } }': /shim\.resources\.requests\.cpu is "much"/,
  'shim: { resources: { requests: { memory: 64Mi } } }':
    /shim\.resources\.requests\.memory is "64Mi", which is not allowed; it takes at most limits\.memory, which is "32Mi"/,
  'catalogue: { extra: [{ names: [a] }] }': /catalogue\.extra\[0\]\.images is missing; it takes a list/,
  'catalogue: { extra: [{ names: [a], images: [b], redy: x }] }':
    /unknown key catalogue\.extra\[0\]\.redy, did you mean catalogue\.extra\[0\]\.ready\?/,
  'catalogue: { extra: [{ names: [a], images: [b], ready: soon }] }':
    /catalogue\.extra\[0\]\.ready is "soon"/,
  'catalogue: { disabled: [nobody] }':
    /catalogue\.disabled\[0\] is "nobody", which is not allowed; it takes the name of a built-in sidecar/,
  '[]': /the file is a list, which is not allowed; it takes a map with the keys listen/,
  'a: [': /^c\.yaml: /,
  'log: { level: info }\nlog: { level: warn }':
    /^c\.yaml: the key "log" stands twice in one map \(line 2, column 1\)$/,
  'log:\n\tlevel: info': /^c\.yaml: Tabs are not allowed as indentation \(line 2, column 1\)$/,
  'log: {}\n---\nlog: {}': /^c\.yaml: it holds more than one document \("---"\) \(line/,
  'log: { level: {{ .Values.level }} }\n b: }':
    /; a template must be rendered first \(helm template\) \(line 2/,
  [`a: ${'['.repeat(100_000)}`]: /^c\.yaml: it is nested too deeply \(line 1, column \d+\)$/,
  'apiVersion: v1\nkind: ConfigMap\ndata: { c: "" }':
    /^c\.yaml: it is a Kubernetes object \("ConfigMap"\) and not the configuration itself, which is what stands under/,
  'apiVersion: batch/v1\nkind: Job':
    /^c\.yaml: it is a Kubernetes object \("Job"\) and not the configuration itself$/,
  'replicas: 2': /^c\.yaml: unknown key replicas\. Known sections: listen, /,
  'config: { log: { level: debug } }':
    /^c\.yaml: unknown key config: what stands under config in the chart's values stands at the top here\. Known/,
  '"x\\n\\u202ey": 1': /^c\.yaml: unknown key "x\\n\\u\{202e\}y"\. Known sections: [^\n]*$/,
  'log: { level: "a\\u202e" }': /^c\.yaml: log\.level is "a\\u\{202e\}", which is not allowed/,
};

for (const [text, message] of Object.entries(WRONG)) {
  test(`${JSON.stringify(text)} is refused with the key, the value and what is allowed`, () => {
    assert.throws(
      () => parseConfig(text, 'c.yaml'),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

/** A file that sets one key. An authority's lifetime must be three times its leaf's. */
function fileWith(path: string, value: string): string {
  const lives = path.startsWith('tls.selfManaged.') ? { lifetime: '2s', caLifetime: '3650d' } : {};
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  return JSON.stringify(
    steps.reduceRight<unknown>((inner, key) => ({ [key]: inner }), { ...lives, [last]: value }),
  );
}

const TIMES = [...describeKeys(CONFIG)].filter(({ allowed }) => /^a (duration|lifetime) /.test(allowed));

for (const { path, allowed } of TIMES) {
  const [, least = '', most = '', examples = ''] = /from (\w+) to (\w+), such as (.+)$/.exec(allowed) ?? [];
  const [, amount = '', unit = ''] = /^(\d+)(\D+)$/.exec(most) ?? [];
  const parse = (value: string) => parseConfig(fileWith(path, value), 'c.yaml');

  test(`${path}: a value above the longest is refused with the key, the value, the bounds and an example`, () => {
    const value = `${Number(amount) + 1}${unit}`;
    assert.throws(
      () => parse(value),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.ok(
          error.message.startsWith(`c.yaml: ${path} is "${value}", which is not allowed; it takes a `),
          error.message,
        );
        assert.ok(error.message.endsWith(` from ${least} to ${most}, such as ${examples}`), error.message);
        return true;
      },
    );
    for (const taken of [least, most, ...examples.split(' or ')]) parse(taken);
  });
}

test('the durations of every section were tested', () => {
  assert.deepEqual([...new Set(TIMES.map(({ path }) => path.split('.')[0]))].sort(), [
    'images',
    'limits',
    'shutdown',
    'startTimeout',
    'tls',
  ]);
});

test('all problems are listed at once, one line each', () => {
  assert.throws(
    () => parseConfig('listen: { port: -1 }\nlog: { level: x, file: y }', 'c.yaml'),
    (error) => error instanceof ConfigError && error.message.split('\n').length === 3,
  );
});

test('a file of another kind, with thousands of keys or values, is answered in a few lines', () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1`);
  const hosts = Array.from({ length: 900 }, () => '"!"');
  for (const [text, most] of [
    [keys.join('\n'), 9],
    [`images: { hosts: [${hosts.join()}] }`, 21],
  ] as const)
    assert.throws(
      () => parseConfig(text, 'c.yaml'),
      (error) => {
        assert.ok(error instanceof ConfigError);
        const lines = error.message.split('\n');
        assert.equal(lines.length, most);
        assert.match(lines.at(-1) ?? '', /^c\.yaml: and \d{3,5} more( unknown keys)?$/);
        return true;
      },
    );
});

test('W9 a key pasted into the file is not quoted', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----';
  assert.throws(
    () => parseConfig(`listen: { port: ${JSON.stringify(pem)} }`, 'c.yaml'),
    (error) => error instanceof ConfigError && !error.message.includes('SECRET'),
  );
});

test('a flag overrides the file, and its error names the flag', () => {
  const port: Override = { flag: '--port', path: ['listen', 'port'], value: 99 };
  assert.equal(parseConfig('listen: { port: 1, healthPort: 2 }', 'c.yaml', [port]).listen.port, 99);
  assert.equal(parseConfig('listen: { port: 1, healthPort: 2 }', 'c.yaml', [port]).listen.healthPort, 2);
  assert.throws(
    () => parseConfig('', 'c.yaml', [{ ...port, value: 'x' }]),
    /^ConfigError: --port \(listen\.port\) is "x"/,
  );
});

test('a bomb of aliases is refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `k${i}: &a${i} [${i === 0 ? 'x' : Array(9).fill(`*a${i - 1}`)}]`,
  );
  assert.throws(() => parseConfig(levels.join('\n'), 'c.yaml'), /its aliases expand to too much/);
});

test('a file that cannot be read, or is too long, is named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  await assert.rejects(
    readConfig(join(folder, 'none.yaml')),
    /none\.yaml cannot be read \(ENOENT\): there is no such file/,
  );
  await writeFile(join(folder, 'long.yaml'), '#'.repeat(2_000_000));
  await assert.rejects(readConfig(join(folder, 'long.yaml')), /long\.yaml is longer than 1048576 bytes/);
  await writeFile(join(folder, 'good.yaml'), 'log: { level: warn }');
  assert.equal((await readConfig(join(folder, 'good.yaml'))).log.level, 'warn');
});
