import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  imagePatternTrouble,
  matchesPattern,
  matchesRepository,
  namePatternTrouble,
} from '../../../webhook/decision/pattern.ts';

const CASES: [pattern: string, text: string, matches: boolean][] = [
  ['istio-proxy', 'istio-proxy', true],
  ['istio-proxy', 'istio-proxy-2', false],
  ['csql-*', 'csql-default-instance1', true],
  ['csql-*', 'csql-', true],
  ['csql-*', 'my-csql-x', false],
  ['*-proxy', 'a-proxy', true],
  ['*-proxy', 'proxy', false],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'acb', false],
  ['ab*ba', 'aba', false],
  ['ab*ba', 'abba', true],
  ['*', '', true],
];

for (const [pattern, text, expected] of CASES)
  test(`V2 ${pattern} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () =>
    assert.equal(matchesPattern(pattern, text), expected));

test('V2 a pattern means what the same regular expression means', () => {
  const text = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 });
  fc.assert(
    fc.property(text('ab*'), text('ab'), (pattern, subject) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
      assert.equal(matchesPattern(pattern, subject), expression.test(subject));
    }),
    { numRuns: 2_000 },
  );
});

test('V2 a long pattern of many * and a long text come to an end', () => {
  assert.equal(matchesPattern(`${'a*'.repeat(200)}b`, 'a'.repeat(100_000)), false);
});

describe('V2 an image pattern', () => {
  const REPOSITORIES: [pattern: string, repository: string, matches: boolean][] = [
    ['istio/proxyv2', 'docker.io/istio/proxyv2', true],
    ['istio/proxyv2', 'istio/proxyv2', true],
    ['istio/proxyv2', 'notistio/proxyv2', false],
    ['istio/proxyv2', 'proxyv2', false],
    ['proxyv2-rhel*', 'registry.example/mesh/proxyv2-rhel9', true],
    ['proxyv2-rhel*', 'registry.example/proxyv2-rhel9/tests', false],
    ['proxyv2*', 'my-proxyv2', false],
    ['*/proxyv2', 'proxyv2', false],
    ['istio/*', 'istio/a/b', false],
    ['*/b', 'x/a/b', true],
  ];
  for (const [pattern, repository, expected] of REPOSITORIES)
    test(`V2 ${pattern} ${expected ? 'matches' : 'does not match'} ${repository}`, () =>
      assert.equal(matchesRepository(pattern, repository), expected));
});

describe('V2 a pattern that nothing can match says what it must be', () => {
  const NAMES: [pattern: string, trouble: RegExp | undefined][] = [
    ['istio-proxy', undefined],
    ['csql-*', undefined],
    ['*-proxy', undefined],
    [`${'n'.repeat(63)}*`, undefined],
    ['', /with a letter or digit beside \*, such as istio-proxy or csql-\*$/],
    ['*', /with a letter or digit beside \*/],
    ['**', /with a letter or digit beside \*/],
    ['Istio-Proxy', /in lower case/],
    ['istio/proxyv2', /not an image/],
    ['proxyv2:1', /not an image/],
    ['istio_proxy', /lower-case letters, digits and -/],
    ['-proxy', /lower-case letters, digits and -/],
    ['proxy-', /lower-case letters, digits and -/],
    ['proxy ', /lower-case letters, digits and -/],
    ['pro.xy', /lower-case letters, digits and -/],
    ['prox?', /lower-case letters, digits and -/],
    ['n'.repeat(64), /at most 63 characters beside \*/],
  ];
  for (const [pattern, trouble] of NAMES)
    test(`V2 the name ${JSON.stringify(pattern.slice(0, 20))} ${trouble ? 'is none' : 'is one'}`, () => {
      const said = namePatternTrouble(pattern);
      if (trouble === undefined) assert.equal(said, undefined);
      else assert.match(said ?? 'nothing', trouble);
    });

  const IMAGES: [pattern: string, trouble: RegExp | undefined][] = [
    ['proxyv2', undefined],
    ['istio/proxyv2', undefined],
    ['a__b/c.d-e', undefined],
    ['registry.local:5000/team/proxy', undefined],
    ['proxyv2-rhel*', undefined],
    ['team/*', undefined],
    ['*/proxyv2', undefined],
    ['', /with a letter or digit beside \*, such as istio\/proxyv2 or proxyv2-rhel\*$/],
    ['*/*', /with a letter or digit beside \*/],
    ['istio/proxyv2:1.2', /without tag/],
    ['localhost:5000', /without tag/],
    ['istio/proxyv2@sha256:00', /without digest/],
    ['Istio/proxyv2', /in lower case/],
    ['/proxyv2', /cut at a \//],
    ['istio/', /cut at a \//],
    ['istio//proxyv2', /cut at a \//],
    ['https://registry.local/proxyv2', /cut at a \//],
    ['team/-proxy', /cut at a \//],
    ['team/proxy..v2', /cut at a \//],
    ['team/registry.local:5000/proxy', /cut at a \//],
    ['proxy v2', /cut at a \//],
    ['p'.repeat(256), /at most 255 characters beside \*/],
  ];
  for (const [pattern, trouble] of IMAGES)
    test(`V2 the image ${JSON.stringify(pattern.slice(0, 40))} ${trouble ? 'is none' : 'is one'}`, () => {
      const said = imagePatternTrouble(pattern);
      if (trouble === undefined) assert.equal(said, undefined);
      else assert.match(said ?? 'nothing', trouble);
    });

  test('V2 the name of any container is a pattern that matches it', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/), (name) => {
        assert.equal(namePatternTrouble(name), undefined);
        assert.ok(matchesPattern(name, name));
      }),
    );
  });
});
