/** The configuration's section `images`, and the metric of look-ups. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { parseConfig } from '../../../webhook/config/config.ts';
import { imageMetrics } from '../../../webhook/server/image-metrics.ts';

test('defaults: registries are asked, with the pods’ pull secrets', () => {
  const { images } = parseConfig('', 'c.yaml');
  assert.equal(images.mode, 'registry');
  assert.equal(images.pullSecrets, true);
  assert.equal(images.timeout, 8_000);
  assert.deepEqual(images.machines, ['amd64', 'arm64']);
  assert.deepEqual(images.cache, {
    fresh: 60_000,
    stale: 600_000,
    failures: 10_000,
    entries: 20_000,
    bytes: 32 * 1024 * 1024,
  });
});

test('every key is accepted', () => {
  const { images } = parseConfig(
    `images:
  mode: registry
  entrypoints: [{ image: redis, entrypoint: [/e], cmd: [c], stopSignal: INT }]
  hosts: [docker.io, "*.corp.example:5000"]
  registries: [{ host: "registry.local:5000", mirrors: ["https://cache.local/hub"], plainHttp: true, caFile: /ca.crt }]
  pullSecrets: false
  defaultPullSecret: curfew/all
  dockerConfig: /docker/config.json
  cloud: [google, azure, aws]
  machines: [arm64]
  timeout: 2s
  cache: { fresh: 0s, stale: 1h, failures: 1s, entries: 100, bytes: 100000 }
`,
    'c.yaml',
  );
  assert.deepEqual(images.registries, [
    { host: 'registry.local:5000', mirrors: ['https://cache.local/hub'], plainHttp: true, caFile: '/ca.crt' },
  ]);
  assert.equal(images.defaultPullSecret, 'curfew/all');
});

const WRONG: Record<string, RegExp> = {
  'mode: on': /images\.mode is .*registry or off/,
  'mode: registri': /images\.mode is "registri"/,
  'registries: [{ host: "https://x" }]': /images\.registries\[0\]\.host is "https:\/\/x"/,
  'registries: [{ host: x, mirrors: [cache.local] }]':
    /images\.registries\[0\]\.mirrors\[0\] is "cache\.local"/,
  'registries: [{ host: x, mirrors: ["https://me:pw@cache.local"] }]':
    /mirrors\[0\] is "https:\/\/\.\.\.@cache\.local"/,
  'registries: [{ host: x, mirrors: ["https://me@cache.local"] }]': /mirrors\[0\]/,
  'registries: [{ mirrors: [] }]': /images\.registries\[0\]\.host is missing/,
  'registries: [{ host: x, plainHTTP: true }]':
    /unknown key images\.registries\[0\]\.plainHTTP, did you mean images\.registries\[0\]\.plainHttp/,
  'entrypoints: [{ image: redis }]':
    /: images\.entrypoints\[0\]\.entrypoint is missing; it takes a list such as \[\/usr\/bin\/app\], where the item has no cmd either$/,
  // It would say of the container that its image has no command, although the registry was not asked.
  'entrypoints: [{ image: redis, stopSignal: INT }]': /images\.entrypoints\[0\]\.entrypoint is missing/,
  'entrypoints: [{ image: "UPPER" }]': /images\.entrypoints\[0\]\.image is "UPPER"/,
  'defaultPullSecret: all': /images\.defaultPullSecret is "all".*NAMESPACE\/NAME/,
  'cloud: [gcp]': /images\.cloud\[0\] is "gcp".*takes google, azure, aws$/,
  'hosts: ["docker io"]':
    /images\.hosts\[0\] is "docker io".*takes a host such as docker\.io or "\*\.corp\.example"$/,
  'machines: [arm]': /images\.machines\[0\] is "arm".*takes amd64, arm64$/,
  'machines: []': /images\.machines/,
  'timeout: 1m': /images\.timeout is "1m".*29s/,
  'cache: { entries: 1 }': /images\.cache\.entries is 1/,
};

for (const [text, message] of Object.entries(WRONG))
  test(`images: ${text}`, () => {
    assert.throws(
      () => parseConfig(`images: { ${text} }`, 'c.yaml'),
      (error) => error instanceof Error && message.test(error.message),
    );
  });

test('metrics: by registry and result; a host that is not configured makes no series', async () => {
  const registers = [new Registry()];
  const observer = imageMetrics(registers, ['registry.local']);
  observer.lookedUp('registry.local', 'image-unreachable', 1);
  observer.lookedUp('docker.io', 'miss', 0.2);
  observer.lookedUp('docker.io', 'image-not-found', 0.1);
  for (let i = 0; i < 100; i++) observer.lookedUp(`made-up-${i}.example`, 'image-unreachable', 1);
  const text = (await registers[0]?.metrics()) ?? '';
  assert.match(text, /curfew_image_lookups_total\{registry="registry\.local",result="image-unreachable"\} 1/);
  assert.match(text, /curfew_image_lookups_total\{registry="docker\.io",result="miss"\} 1/);
  assert.match(text, /curfew_image_lookups_total\{registry="docker\.io",result="image-not-found"\} 1/);
  assert.match(text, /curfew_image_lookups_total\{registry="other",result="image-unreachable"\} 100/);
  assert.match(text, /curfew_image_lookup_duration_seconds_count\{registry="docker\.io"\} 2/);
  assert.doesNotMatch(text, /made-up/);
  for (let i = 0; i < 100; i++) observer.lookedUp(`real-${i}.example`, 'miss', 1);
  const names = new Set(((await registers[0]?.metrics()) ?? '').match(/registry="[^"]*"/g));
  assert.equal(names.size, 33);
});
