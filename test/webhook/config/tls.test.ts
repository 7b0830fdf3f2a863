import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, parseConfig } from '../../../webhook/config/config.ts';

const DAY = 24 * 3_600_000;

test('files are the default; a self-managed certificate has default names and lifetimes', () => {
  const { tls } = parseConfig('', 'c.yaml');
  assert.equal(tls.source, 'files');
  assert.deepEqual(tls.selfManaged, {
    secret: 'curfew-tls',
    service: 'curfew',
    webhookConfiguration: 'curfew',
    lifetime: 30 * DAY,
    caLifetime: 365 * DAY,
  });
});

test('every key of a self-managed certificate is accepted, with lifetimes from seconds to years', () => {
  const { tls } = parseConfig(
    `tls:
  source: self-managed
  selfManaged: { secret: s.1, namespace: n, service: v, webhookConfiguration: w.x, lifetime: 2s, caLifetime: 3650d }`,
    'c.yaml',
  );
  assert.equal(tls.source, 'self-managed');
  assert.deepEqual(tls.selfManaged, {
    secret: 's.1',
    namespace: 'n',
    service: 'v',
    webhookConfiguration: 'w.x',
    lifetime: 2_000,
    caLifetime: 3650 * DAY,
  });
});

const WRONG: Record<string, RegExp> = {
  'source: self': /tls\.source is "self", which is not allowed; it takes files or self-managed$/,
  'secret: x': /unknown key tls\.secret, did you mean tls\.selfManaged\.secret\?/,
  'selfManaged: { lifetime: 1s }':
    /tls\.selfManaged\.lifetime is "1s", which is not allowed; it takes a lifetime from 2s to 90d/,
  'selfManaged: { lifetime: 91d }': /tls\.selfManaged\.lifetime is "91d"/,
  'selfManaged: { lifetime: 1h30m }': /tls\.selfManaged\.lifetime is "1h30m"/,
  'selfManaged: { caLifetime: 3651d }': /tls\.selfManaged\.caLifetime is "3651d", .* from 6s to 3650d/,
  'selfManaged: { lifetime: 20d, caLifetime: 59d }':
    /tls\.selfManaged\.caLifetime is "59d", which is not allowed; it takes at least 3 times tls\.selfManaged\.lifetime$/,
  'selfManaged: { service: a.b }': /tls\.selfManaged\.service is "a\.b", .* the name of a Service/,
  'selfManaged: { secret: A }': /tls\.selfManaged\.secret is "A", .* the name of a Secret/,
  'selfManaged: { namespace: "" }': /tls\.selfManaged\.namespace is "", .* the name of a namespace/,
  'selfManaged: { webhookConfiguration: /x }': /webhookConfiguration is "\/x"/,
};

for (const [text, message] of Object.entries(WRONG)) {
  test(`tls.${text} is refused with the key, the value and what is allowed`, () => {
    assert.throws(
      () => parseConfig(`tls: { ${text} }`, 'c.yaml'),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        assert.equal(error.message.split('\n').length, 1, error.message);
        return true;
      },
    );
  });
}
