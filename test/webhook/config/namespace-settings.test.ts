/** What a namespace may write into its ConfigMap, and what it is told of what is wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { ConfigError } from '../../../webhook/config/error.ts';
import { parseNamespaceSettings } from '../../../webhook/config/namespace-settings.ts';

const settings = (text: string) => parseNamespaceSettings({ 'settings.yaml': text });
const SIDECAR = { names: ['mine'], images: ['local/mine'] };

test('V5 every key is taken, and none must be there', () => {
  const nothing = { catalogue: { extra: [] }, images: { entrypoints: [] } };
  for (const text of ['', '{}', '# later', 'catalogue: {}']) assert.deepEqual(settings(text), nothing);
  const text = stringify({
    startTimeout: '5m',
    catalogue: { extra: [{ ...SIDECAR, ready: 'tcp://:1' }] },
    images: { entrypoints: [{ image: 'local/app', entrypoint: ['/app'] }] },
  });
  assert.deepEqual(settings(text), {
    startTimeout: 300_000,
    catalogue: { extra: [{ ...SIDECAR, ready: 'tcp://:1' }] },
    images: { entrypoints: [{ image: 'local/app', entrypoint: ['/app'] }] },
  });
});

describe('V5 what is wrong is told with the key, the value and what is allowed', () => {
  const many = (item: object) => Array.from({ length: 101 }, () => structuredClone(item));
  const wrong: [data: unknown, words: RegExp][] = [
    [undefined, /its data has no key settings\.yaml$/],
    [{}, /its data has no key settings\.yaml$/],
    [{ 'settings.yml': '' }, /unknown key "settings\.yml" in its data; the only one is settings\.yaml/],
    [{ 'settings.yaml': '', other: '' }, /unknown key "other"/],
    [{ 'settings.yaml': 1 }, /no key settings\.yaml/],
    [{ 'settings.yaml': `#${'x'.repeat(16 * 1024)}` }, /settings\.yaml has more than 16384 characters/],
    [{ 'settings.yaml': 'a: [' }, /^settings\.yaml: .*line 1/],
    [
      { 'settings.yaml': 'startTimeout: 1m\nstartTimeout: 2m' },
      /"startTimeout" stands twice in one map \(line 2/,
    ],
    [
      { 'settings.yaml': 'startTimeout: soon' },
      /settings\.yaml: startTimeout is "soon", .* a duration from 1s to 168h/,
    ],
    [
      { 'settings.yaml': 'images: { hosts: [evil] }' },
      /unknown key images\.hosts\. Known keys of images: entrypoints/,
    ],
    [{ 'settings.yaml': 'catalogue: { disabled: [istio-proxy] }' }, /unknown key catalogue\.disabled/],
    [
      { 'settings.yaml': 'shim: { image: evil }' },
      /unknown key shim\. Known sections: startTimeout, catalogue, images/,
    ],
    [{ 'settings.yaml': '- a' }, /the file is a list/],
    [
      { 'settings.yaml': stringify({ catalogue: { extra: many(SIDECAR) } }) },
      /catalogue\.extra is a list, .* a list of at most 100 sidecars/,
    ],
    [
      { 'settings.yaml': stringify({ images: { entrypoints: many({ image: 'a', cmd: ['b'] }) } }) },
      /images\.entrypoints is a list, .* a list of at most 100 images/,
    ],
  ];
  for (const [data, words] of wrong)
    test(String(words), () =>
      assert.throws(
        () => parseNamespaceSettings(data),
        (error) => error instanceof ConfigError && words.test(error.message),
      ),
    );
});

test('V5 whatever the text, it is settings or an error that says why', () => {
  const word = fc.constantFrom(
    ...[
      'startTimeout',
      'catalogue',
      'extra',
      'images',
      'names',
      ':',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '\n',
      '  ',
      '5m',
      '&a',
      '*a',
      '? ',
      '!!set',
      '"',
    ],
  );
  const text = fc.oneof(
    fc.array(word, { maxLength: 400 }).map((words) => words.join('')),
    fc.string(),
  );
  const deep = fc.nat(5_000).map((depth) => `catalogue: ${'['.repeat(depth)}`);
  fc.assert(
    fc.property(fc.oneof(text, deep), (written) => {
      try {
        settings(written);
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
  );
});
