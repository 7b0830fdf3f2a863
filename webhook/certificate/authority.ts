/**
 * The next step for authority and leaf. Pure: it follows from the Secret's content, the trusted authorities, and the time.
 *
 * A new authority is first published (`next`: in the Secret, and from there in the caBundle). It signs its first leaf only after it
 * has been in the caBundle for the settling time. So every leaf in the Secret can be served by any replica.
 */
import type { Authority, AuthorityState, Leaf, Signer } from './secret-state.ts';
import { isAlive, isRemovable, isRenewalDue, removableAfter, renewalAt, validityFrom } from './validity.ts';
import type { Validity } from './x509.ts';

/** The certificates to create. Milliseconds. */
export interface CertificateSpec {
  /** DNS names of the leaf. */
  names: readonly string[];
  lifetime: number;
  caLifetime: number;
  /** From 0 to 1, different for each replica: how much earlier than others it renews, so replicas do not all renew at once. */
  jitter: number;
}

export interface Situation {
  /** The Secret's content. */
  stored: AuthorityState;
  /** The last complete state that this replica has read. It is written again when the Secret is lost. */
  lastComplete: AuthorityState | undefined;
  /** For how many milliseconds this replica has seen an authority in the caBundle; undefined: it is not there. */
  trustedFor(authority: Authority): number | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

/** Creates certificates. */
export interface Issuer {
  authority(validity: Validity): Signer;
  leaf(signer: Signer, names: readonly string[], validity: Validity): Leaf;
}

/**
 * `restored`: a lost state is written again. `begun`: a new authority is published. `promoted`: it signs from now on.
 * `renewed`: a new leaf of the same authority. `dropped`: expired authorities are removed.
 */
export type Step = 'restored' | 'begun' | 'promoted' | 'renewed' | 'dropped';

/** A leaf keeps the names of former settings, up to this number. */
const MAX_NAMES = 16;

/**
 * How long an authority must have been in the caBundle before it signs. API servers read the configuration through a cache, which
 * is usually milliseconds behind, and seconds when they are overloaded.
 * @param first whether no leaf is served yet: the wait is then short, because nothing is served meanwhile
 */
export function settlingTime({ caLifetime }: CertificateSpec, first: boolean): number {
  return Math.min(first ? 2_000 : 60_000, Math.ceil(caLifetime / 20));
}

/**
 * The next state to write.
 * @returns undefined where nothing is to be changed
 */
export function plan(
  situation: Situation,
  spec: CertificateSpec,
  issuer: Issuer,
): { step: Step; state: AuthorityState } | undefined {
  const { stored, lastComplete, now } = situation;
  const { current, leaf, next } = stored;
  if (!isAlive(current, now) && isAlive(lastComplete?.current, now)) {
    const old = unique([...stored.old, ...lastComplete.old]);
    return { step: 'restored', state: { ...lastComplete, next: stored.next ?? lastComplete.next, old } };
  }
  if (next !== undefined && isSettled(next, situation, spec)) {
    const old = current === undefined ? stored.old : unique([...stored.old, withoutKey(current)]);
    const fresh = issueLeaf(next, stored, spec, issuer, now);
    return {
      step: 'promoted',
      state: { current: next, leaf: fresh, next: undefined, old: withoutRemovable(old, now) },
    };
  }
  const newest = next ?? current;
  if (newest === undefined || isRenewalDue(newest, spec.caLifetime, spec.jitter, now)) {
    const validity = validityFrom(now, spec.caLifetime);
    return { step: 'begun', state: { ...stored, next: issuer.authority(validity) } };
  }
  if (current !== undefined && isAlive(current, now) && isLeafDue(leaf, current, spec, now)) {
    return { step: 'renewed', state: { ...stored, leaf: issueLeaf(current, stored, spec, issuer, now) } };
  }
  const old = withoutRemovable(stored.old, now);
  return old.length < stored.old.length ? { step: 'dropped', state: { ...stored, old } } : undefined;
}

/**
 * The leaf to serve: the Secret's, unless the one that is served now is safer.
 * @param served undefined: none yet
 */
export function chooseLeaf(
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
 * In how many milliseconds {@link plan} may return a new step, if nothing but the time changes.
 * @returns Infinity: never
 */
export function requeueAfter({ stored, trustedFor, now }: Situation, spec: CertificateSpec): number {
  const { current, leaf, next, old } = stored;
  const waits = old.map((authority) => removableAfter(authority) - now + 1);
  for (const certificate of [next ?? current, leaf]) {
    if (certificate !== undefined) waits.push(renewalAt(certificate, spec.jitter) - now);
  }
  const trusted = next === undefined ? undefined : trustedFor(next);
  if (trusted !== undefined) waits.push(settlingTime(spec, current === undefined) - trusted);
  // A time in the past is no reason to look again: an authority near its end, for one, cannot sign a longer leaf.
  return Math.min(...waits.filter((wait) => wait > 0));
}

/** Without duplicates. */
export function unique(authorities: readonly Authority[]): Authority[] {
  return [...new Map(authorities.map((authority) => [authority.fingerprint, authority])).values()];
}

function isSettled(next: Signer, { stored, trustedFor, now }: Situation, spec: CertificateSpec): boolean {
  if (!isAlive(next, now)) return false;
  const since = trustedFor(next);
  return since !== undefined && since >= settlingTime(spec, stored.current === undefined);
}

function isLeafDue(leaf: Leaf | undefined, signer: Signer, spec: CertificateSpec, now: number): boolean {
  if (leaf === undefined || spec.names.some((name) => !leaf.names.includes(name))) return true;
  if (!isRenewalDue(leaf, spec.lifetime, spec.jitter, now)) return false;
  // A signer near its own end could only sign a leaf with the same end again.
  const { notAfter } = leafValidity(signer, spec, now);
  return notAfter !== leaf.notAfter;
}

function withoutRemovable(authorities: readonly Authority[], now: number): Authority[] {
  return authorities.filter((authority) => !isRemovable(authority, now));
}

/** A former authority's key is not kept. */
function withoutKey({ cert, fingerprint, notBefore, notAfter }: Signer): Authority {
  return { cert, fingerprint, notBefore, notAfter };
}

/**
 * The leaf also gets the names of the leaf before it. Otherwise replicas with different settings, as in a rolling update, would
 * replace each other's leaf in turns.
 */
function issueLeaf(
  signer: Signer,
  { leaf }: AuthorityState,
  spec: CertificateSpec,
  issuer: Issuer,
  now: number,
): Leaf {
  const names = [...new Set([...spec.names, ...(leaf?.names ?? [])])].slice(0, MAX_NAMES);
  return issuer.leaf(signer, names, leafValidity(signer, spec, now));
}

/** A leaf does not outlive its signer. */
function leafValidity(signer: Signer, spec: CertificateSpec, now: number): Validity {
  const { notBefore, notAfter } = validityFrom(now, spec.lifetime);
  return { notBefore, notAfter: Math.min(notAfter, signer.notAfter) };
}
