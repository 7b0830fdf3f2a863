import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type CertificateSpec,
  chooseLeaf,
  plan,
  requeueAfter,
  type Situation,
  settlingTime,
} from '../../../webhook/certificate/authority.ts';
import { ISSUER } from '../../../webhook/certificate/reconciler.ts';
import {
  type AuthorityState,
  formatState,
  NOTHING,
  parseState,
} from '../../../webhook/certificate/secret-state.ts';
import { createAuthority, createLeaf } from '../../../webhook/certificate/x509.ts';

const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2030, 0, 1);
const SPEC: CertificateSpec = { names: ['a.b.svc'], lifetime: 30 * DAY, caLifetime: 365 * DAY, jitter: 0 };
const LONG_AGO = 3_600_000;

function situation(stored: AuthorityState, now = NOW, more: Partial<Situation> = {}): Situation {
  return { stored, lastComplete: undefined, trustedFor: () => LONG_AGO, now, ...more };
}

/** Apply {@link plan} again and again until it returns no step. */
function carryOut(from: AuthorityState, now = NOW, spec = SPEC): { steps: string[]; state: AuthorityState } {
  const steps: string[] = [];
  let state = from;
  for (;;) {
    const next = plan(situation(state, now), spec, ISSUER);
    if (next === undefined) return { steps, state };
    steps.push(next.step);
    state = next.state;
  }
}

const { state: RUNNING } = carryOut(NOTHING);

describe('what to do next', () => {
  test('from nothing: an authority is begun, and signs only after the settling time', () => {
    const begun = plan(situation(NOTHING, NOW, { trustedFor: () => undefined }), SPEC, ISSUER);
    assert.equal(begun?.step, 'begun');
    assert.equal(begun?.state.leaf, undefined);
    const waiting = (ms: number | undefined) =>
      plan(situation(begun?.state ?? NOTHING, NOW, { trustedFor: () => ms }), SPEC, ISSUER)?.step;
    assert.equal(waiting(undefined), undefined);
    assert.equal(waiting(settlingTime(SPEC, true) - 1), undefined);
    assert.equal(waiting(settlingTime(SPEC, true)), 'promoted');
  });

  test('nothing is done until a third of a lifetime is left', () => {
    const { leaf } = RUNNING;
    assert.ok(leaf !== undefined);
    const due = leaf.notAfter - Math.floor((leaf.notAfter - leaf.notBefore) / 3);
    assert.equal(plan(situation(RUNNING, due - 1), SPEC, ISSUER), undefined);
    assert.equal(requeueAfter(situation(RUNNING, due - 5), SPEC), 5);
    const renewed = plan(situation(RUNNING, due), SPEC, ISSUER);
    assert.equal(renewed?.step, 'renewed');
    assert.equal(renewed?.state.leaf?.issuer.fingerprint, RUNNING.current?.fingerprint);
    assert.ok((renewed?.state.leaf?.notAfter ?? 0) >= due + SPEC.lifetime);
  });

  test('an authority with a third of its lifetime left is followed by another, and stays until it cannot be needed', () => {
    const { current } = RUNNING;
    assert.ok(current !== undefined);
    const due = current.notAfter - Math.floor((current.notAfter - current.notBefore) / 3);
    const { steps, state } = carryOut(RUNNING, due);
    assert.deepEqual(steps, ['begun', 'promoted']);
    assert.deepEqual(state.old, [
      {
        cert: current.cert,
        fingerprint: current.fingerprint,
        notBefore: current.notBefore,
        notAfter: current.notAfter,
      },
    ]);
    assert.equal(carryOut(state, current.notAfter).state.old.length, 1, 'at its very end');
    assert.equal(carryOut(state, current.notAfter + 3_600_001).state.old.length, 0, 'and an hour for clocks');
  });

  test('a leaf does not outlive its authority, and is not renewed where the new one would end at the same time', () => {
    const { current } = RUNNING;
    assert.ok(current !== undefined);
    const stuck: Partial<Situation> = { trustedFor: () => undefined };
    const late = current.notAfter - 2 * DAY;
    const begun = plan(situation(RUNNING, late, stuck), SPEC, ISSUER)?.state ?? NOTHING;
    const renewed = plan(situation(begun, late, stuck), SPEC, ISSUER);
    assert.equal(renewed?.step, 'renewed');
    assert.equal(renewed?.state.leaf?.notAfter, current.notAfter);
    assert.equal(plan(situation(renewed?.state ?? NOTHING, late + DAY, stuck), SPEC, ISSUER), undefined);
  });

  test('new names are added to a leaf, and the former ones are kept', () => {
    const { steps, state } = carryOut(RUNNING, NOW, { ...SPEC, names: ['c.d.svc'] });
    assert.deepEqual(steps, ['renewed']);
    assert.deepEqual(state.leaf?.names, ['c.d.svc', 'a.b.svc']);
    assert.deepEqual(carryOut(state, NOW).steps, [], 'the other replica is content with it');
  });

  test('shorter lifetimes take effect at once', () => {
    const spec = { ...SPEC, lifetime: 60_000, caLifetime: 600_000 };
    const { steps, state } = carryOut(RUNNING, NOW, spec);
    assert.deepEqual(steps, ['begun', 'promoted']);
    assert.ok((state.leaf?.notAfter ?? 0) <= NOW + 61_000);
  });

  test('an authority that was never trusted is replaced when a third of its lifetime is left', () => {
    const next = RUNNING.current;
    const state = { ...NOTHING, next };
    const never: Partial<Situation> = { trustedFor: () => undefined };
    const later = plan(situation(state, NOW + 300 * DAY, never), SPEC, ISSUER);
    assert.equal(later?.step, 'begun');
    assert.notEqual(later?.state.next?.fingerprint, next?.fingerprint);
  });

  test('a lost state is written again, with an authority that another replica has begun', () => {
    const begun = carryOut(NOTHING).state.current;
    const lost = { ...NOTHING, next: begun };
    const restored = plan(situation(lost, NOW, { lastComplete: RUNNING, trustedFor: () => 0 }), SPEC, ISSUER);
    assert.equal(restored?.step, 'restored');
    assert.deepEqual(restored?.state, { ...RUNNING, next: begun });
  });

  test('certificates with a lifetime of seconds are renewed before they expire', () => {
    for (const ms of [2_000, 3_000, 5_000, 10_000]) {
      const spec = { ...SPEC, lifetime: ms, caLifetime: 3 * ms };
      const { leaf, current } = carryOut(NOTHING, NOW + 999, spec).state;
      for (const certificate of [leaf, current]) {
        assert.ok(certificate !== undefined && certificate.notBefore < NOW + 999);
        assert.ok(certificate.notAfter >= NOW + 999 + ms);
      }
    }
  });
});

describe('the leaf to serve', () => {
  const { leaf } = RUNNING;
  assert.ok(leaf !== undefined);
  const other = carryOut(NOTHING).state;
  const renewed = { ...RUNNING, leaf: ISSUER.leaf(RUNNING.current ?? assert.fail(), ['a.b.svc'], leaf) };
  const [trusting, doubting] = [() => true, () => false];

  test('the first one', () => {
    assert.equal(chooseLeaf(undefined, RUNNING, doubting, NOW), leaf);
    assert.equal(chooseLeaf(undefined, NOTHING, doubting, NOW), undefined);
  });
  test('a new one of the same authority at once', () => {
    assert.equal(chooseLeaf(leaf, renewed, doubting, NOW), renewed.leaf);
  });
  test('one of another authority when the caBundle trusts it', () => {
    assert.equal(chooseLeaf(leaf, other, doubting, NOW), leaf);
    assert.equal(chooseLeaf(leaf, other, trusting, NOW), other.leaf);
  });
  test('any valid one, when the served one has expired', () => {
    const fresh = carryOut(NOTHING, leaf.notAfter).state;
    assert.equal(chooseLeaf(leaf, fresh, doubting, leaf.notAfter + 1), fresh.leaf);
    assert.equal(chooseLeaf(fresh.leaf, RUNNING, trusting, leaf.notAfter + 1), fresh.leaf);
  });
  test('the served one, when the Secret is lost', () => {
    assert.equal(chooseLeaf(leaf, NOTHING, trusting, NOW), leaf);
  });
});

describe('the content of the Secret', () => {
  const whole = new Map([
    ...formatState({ ...RUNNING, next: carryOut(NOTHING).state.current, old: [leafless()] }),
  ]);
  const data = (changes: Record<string, string | undefined> = {}) =>
    new Map(
      [...new Map([...whole, ...Object.entries(changes)])].flatMap(([key, text]) =>
        text === undefined ? [] : [[key, text] as const],
      ),
    );
  const parse = (changes?: Record<string, string | undefined>) =>
    parseState({ resourceVersion: '1', data: data(changes) });

  function leafless() {
    const { cert, fingerprint, notBefore, notAfter } = ISSUER.authority({
      notBefore: NOW,
      notAfter: NOW + DAY,
    });
    return { cert, fingerprint, notBefore, notAfter };
  }

  test('is parsed as it was formatted', () => {
    const { state, problems } = parse();
    assert.deepEqual(problems, []);
    assert.deepEqual(new Map(formatState(state)), whole);
    assert.deepEqual(parseState({ resourceVersion: '1', data: new Map() }), { state: NOTHING, problems: [] });
  });

  const validity = { notBefore: NOW - DAY, notAfter: NOW + DAY };
  const [stranger, leafOfStranger] = [
    createAuthority(validity),
    createLeaf(createAuthority(validity), ['a'], validity),
  ];
  const DAMAGE: Record<
    string,
    { changes: Record<string, string | undefined>; lost: (keyof AuthorityState)[]; why: RegExp }
  > = {
    'rubbish for the authority': {
      changes: { 'ca.crt': 'rubbish' },
      lost: ['current', 'leaf'],
      why: /^ca\.crt and ca\.key: the certificate is not a PEM certificate/,
    },
    "another's key": {
      changes: { 'ca.key': stranger.key },
      lost: ['current', 'leaf'],
      why: /not the key of the cert/,
    },
    'no key': {
      changes: { 'tls.key': undefined },
      lost: ['leaf'],
      why: /^tls\.crt and tls\.key: the key is not a PEM/,
    },
    "another authority's leaf": {
      changes: { 'tls.crt': leafOfStranger.cert, 'tls.key': leafOfStranger.key },
      lost: ['leaf'],
      why: /not signed by the authority beside it/,
    },
    'a leaf for an authority': {
      changes: { 'next-ca.crt': leafOfStranger.cert, 'next-ca.key': leafOfStranger.key },
      lost: ['next'],
      why: /^next-ca\.crt and next-ca\.key: is not an authority that Curfew made/,
    },
    'a megabyte': {
      changes: { 'ca.crt': 'x'.repeat(1_000_000) },
      lost: ['current', 'leaf'],
      why: /too long/,
    },
    'a thousand former authorities': {
      changes: { 'old-ca.crt': stranger.cert.repeat(1000) },
      lost: ['old'],
      why: /too many/,
    },
  };
  for (const [name, { changes, lost, why }] of Object.entries(DAMAGE)) {
    test(`W9 ${name} counts as missing, with a message that quotes nothing`, () => {
      const { state, problems } = parse(changes);
      const { state: good } = parse();
      for (const part of ['current', 'leaf', 'next', 'old'] as const) {
        assert.deepEqual(state[part], lost.includes(part) ? NOTHING[part] : good[part], part);
      }
      assert.match(problems.join('\n'), why);
      assert.doesNotMatch(problems.join('\n'), /-----|rubbish|xxx|MI[GI]/);
    });
  }
});
