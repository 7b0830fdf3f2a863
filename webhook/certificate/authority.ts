/**
 * What to do next about authority and leaf: pure, from what the Secret holds, what is trusted, and the time.
 *
 * The order that everything hangs on: an authority is first only made known (`next`: into the Secret, from there into the
 * caBundle), and signs its first leaf when it has been in the caBundle for a settling time. So each leaf in the Secret can
 * be served by whoever reads it.
 */
import type { Authority, AuthorityState, Leaf, Signer } from './secret-state.ts';
import type { Validity } from './x509.ts';

/** What certificates are asked for. Milliseconds. */
export interface Terms {
  /** DNS names of the leaf. */
  names: readonly string[];
  lifetime: number;
  caLifetime: number;
  /** From 0 to 1, each replica's own: how much earlier than the others it acts, so that they do not all act at once. */
  haste: number;
}

export interface Situation {
  /** What the Secret holds. */
  stored: AuthorityState;
  /** The last complete state that this replica has seen: what to write again where the Secret is lost. */
  remembered: AuthorityState | undefined;
  /** For how many milliseconds this replica has seen an authority in the caBundle; undefined: it is not there. */
  trustedFor(authority: Authority): number | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

/** Makes certificates. */
export interface Issuer {
  authority(validity: Validity): Signer;
  leaf(signer: Signer, names: readonly string[], validity: Validity): Leaf;
}

/**
 * `restored`: what was lost is written again. `begun`: an authority is made known. `promoted`: it signs from now on.
 * `renewed`: a new leaf of the same authority. `dropped`: expired authorities go.
 */
export type Step = 'restored' | 'begun' | 'promoted' | 'renewed' | 'dropped';

/** A certificate is renewed when this much of its life is left, or a little more (see {@link Terms.haste}). */
const RENEWAL = 1 / 3;
const SPREAD = 0.03;
/** Clocks differ: certificates begin this much earlier, and authorities are kept this much longer. An hour, or less for short lives. */
const tolerance = (life: number) => Math.min(3_600_000, Math.ceil(life / 10));
/** A leaf carries the names of former settings on; not for ever more. */
const MAX_NAMES = 16;

/**
 * How long an authority must have been in the caBundle before it signs: API servers see the configuration through a cache of
 * theirs, which lags behind by milliseconds as a rule, and by seconds when they are overloaded.
 * @param first whether nothing is served yet, so that only waiting would do harm
 */
export function settlingTime({ caLifetime }: Terms, first: boolean): number {
  return Math.min(first ? 2_000 : 60_000, Math.ceil(caLifetime / 20));
}

/**
 * The one thing to write now.
 * @returns undefined where everything is as it should be
 */
export function plan(
  situation: Situation,
  terms: Terms,
  issuer: Issuer,
): { step: Step; state: AuthorityState } | undefined {
  const { stored, remembered, now } = situation;
  const { current, leaf, next } = stored;
  if (!isAlive(current, now) && isAlive(remembered?.current, now)) {
    const old = unique([...stored.old, ...remembered.old]);
    return { step: 'restored', state: { ...remembered, next: stored.next ?? remembered.next, old } };
  }
  if (next !== undefined && isSettled(next, situation, terms)) {
    const old = current === undefined ? stored.old : unique([...stored.old, withoutKey(current)]);
    const fresh = issueLeaf(next, stored, terms, issuer, now);
    return {
      step: 'promoted',
      state: { current: next, leaf: fresh, next: undefined, old: unexpired(old, now) },
    };
  }
  const wanting = next ?? current;
  if (wanting === undefined || isDue(wanting, terms.caLifetime, terms, now)) {
    const validity = validityOf(now, terms.caLifetime);
    return { step: 'begun', state: { ...stored, next: issuer.authority(validity) } };
  }
  if (current !== undefined && isAlive(current, now) && leafIsDue(leaf, current, terms, now)) {
    return { step: 'renewed', state: { ...stored, leaf: issueLeaf(current, stored, terms, issuer, now) } };
  }
  const old = unexpired(stored.old, now);
  return old.length < stored.old.length ? { step: 'dropped', state: { ...stored, old } } : undefined;
}

/**
 * Which leaf to serve: the Secret's, unless the one that is served is the safer.
 * @param served undefined: none yet
 */
export function choose(
  served: Leaf | undefined,
  stored: AuthorityState,
  isTrusted: (authority: Authority) => boolean,
  now: number,
): Leaf | undefined {
  const { leaf } = stored;
  if (leaf === undefined || served === undefined) return leaf ?? served;
  if (leaf.fingerprint === served.fingerprint) return served;
  if (!isAlive(served, now)) return leaf;
  if (!isAlive(leaf, now)) return served;
  return isTrusted(leaf.issuer) || leaf.issuer.fingerprint === served.issuer.fingerprint ? leaf : served;
}

/**
 * In how many milliseconds {@link plan} may have something new to say, if nothing changes but the time.
 * @returns Infinity: never
 */
export function nextMoment({ stored, trustedFor, now }: Situation, terms: Terms): number {
  const { current, leaf, next, old } = stored;
  const moments = old.map((authority) => authority.notAfter + tolerance(lifeOf(authority)) - now + 1);
  for (const certificate of [next ?? current, leaf]) {
    if (certificate !== undefined) moments.push(dueAt(certificate, terms) - now);
  }
  const trusted = next === undefined ? undefined : trustedFor(next);
  if (trusted !== undefined) moments.push(settlingTime(terms, current === undefined) - trusted);
  // What is past was not for want of time: an authority at its end signs no longer leaf.
  return Math.min(...moments.filter((moment) => moment > 0));
}

/** Whether an authority may go from the caBundle: no leaf of it can be alive, by anybody's clock. */
export function isOver(authority: Authority, now: number): boolean {
  return now > authority.notAfter + tolerance(lifeOf(authority));
}

export function isAlive<T extends Authority>(certificate: T | undefined, now: number): certificate is T {
  return certificate !== undefined && now <= certificate.notAfter;
}

export function unique(authorities: readonly Authority[]): Authority[] {
  return [...new Map(authorities.map((authority) => [authority.fingerprint, authority])).values()];
}

function isSettled(next: Signer, { stored, trustedFor, now }: Situation, terms: Terms): boolean {
  if (!isAlive(next, now)) return false;
  const since = trustedFor(next);
  return since !== undefined && since >= settlingTime(terms, stored.current === undefined);
}

function leafIsDue(leaf: Leaf | undefined, signer: Signer, terms: Terms, now: number): boolean {
  if (leaf === undefined || terms.names.some((name) => !leaf.names.includes(name))) return true;
  if (!isDue(leaf, terms.lifetime, terms, now)) return false;
  // A signer near its own end could only sign the same again.
  const { notAfter } = leafValidity(signer, terms, now);
  return notAfter !== leaf.notAfter;
}

/** At a third of its life left; and at once where it lives on much longer than is asked for now. */
function isDue(certificate: Authority, lifetime: number, terms: Terms, now: number): boolean {
  return now >= dueAt(certificate, terms) || certificate.notAfter - now > 2 * (lifetime + 1_000);
}

function dueAt(certificate: Authority, { haste }: Terms): number {
  return certificate.notAfter - Math.floor(lifeOf(certificate) * (RENEWAL + SPREAD * haste));
}

const lifeOf = ({ notBefore, notAfter }: Authority) => notAfter - notBefore;

function unexpired(authorities: readonly Authority[], now: number): Authority[] {
  return authorities.filter((authority) => !isOver(authority, now));
}

/** The key of a former authority is not kept. */
function withoutKey({ cert, fingerprint, notBefore, notAfter }: Signer): Authority {
  return { cert, fingerprint, notBefore, notAfter };
}

/**
 * With the names of the leaf before it too: where two settings run side by side (a rolling update), their replicas would
 * replace each other's leaf in turns.
 */
function issueLeaf(
  signer: Signer,
  { leaf }: AuthorityState,
  terms: Terms,
  issuer: Issuer,
  now: number,
): Leaf {
  const names = [...new Set([...terms.names, ...(leaf?.names ?? [])])].slice(0, MAX_NAMES);
  return issuer.leaf(signer, names, leafValidity(signer, terms, now));
}

function leafValidity(signer: Signer, terms: Terms, now: number): Validity {
  const { notBefore, notAfter } = validityOf(now, terms.lifetime);
  return { notBefore, notAfter: Math.min(notAfter, signer.notAfter) };
}

/** Whole seconds, as a certificate has them, never less than asked for. */
function validityOf(now: number, lifetime: number): Validity {
  const whole = (ms: number) => Math.floor(ms / 1000) * 1000;
  return { notBefore: whole(now - tolerance(lifetime)), notAfter: whole(now + lifetime + 999) };
}
