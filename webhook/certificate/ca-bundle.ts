/** The caBundle of the webhook configuration: which authorities it trusts, and which it should. Pure. */

import type { StoredConfiguration } from '../kubernetes/client.ts';
import { isOver, unique } from './authority.ts';
import { type Authority, type AuthorityState, certificatesIn, describe, type Leaf } from './secret-state.ts';
import { AUTHORITY_ORGANIZATION } from './x509.ts';

/** The caBundle of one webhook. */
export interface Bundle {
  webhook: string;
  /** Fingerprints of its certificates; undefined where the text cannot be understood. */
  prints: ReadonlySet<string> | undefined;
  /** Those that we made. */
  ours: readonly Authority[];
}

/** The caBundle of each webhook of a configuration. */
export function parseBundles({ webhooks }: StoredConfiguration): Bundle[] {
  return webhooks.map(({ name, caBundle }) => {
    try {
      const certificates = certificatesIn(caBundle);
      const ours = certificates.filter(({ subject }) =>
        subject.split('\n').includes(`O=${AUTHORITY_ORGANIZATION}`),
      );
      const prints = new Set(certificates.map(({ fingerprint256 }) => fingerprint256));
      return { webhook: name, prints, ours: ours.map(describe) };
    } catch {
      return { webhook: name, prints: undefined, ours: [] };
    }
  });
}

/** Fingerprints of the authorities that every webhook trusts. */
export function trustedIn(bundles: readonly Bundle[]): string[] {
  const [first, ...others] = bundles;
  return [...(first?.prints ?? [])].filter((print) => others.every(({ prints }) => prints?.has(print)));
}

/** What the bundles should hold. */
export interface WantedBundle {
  prints: ReadonlySet<string>;
  /** PEM. */
  caBundle: string;
  /** The webhooks that hold something else. */
  outdated: readonly string[];
}

/**
 * Our authorities, the one of the leaf that is served, and whatever authority of ours is in there and not yet over. The
 * last, because this replica's view of the Secret may be older than another's: it must not take away what a leaf of the
 * other's hangs on.
 * @returns undefined where there is nobody to trust yet
 */
export function wantedBundle(
  bundles: readonly Bundle[],
  { current, next, old }: AuthorityState,
  served: Leaf | undefined,
  now: number,
): WantedBundle | undefined {
  const own = [next, current, served?.issuer, ...old].filter((authority) => authority !== undefined);
  const wanted = unique([...own, ...bundles.flatMap(({ ours }) => ours)]).filter(
    (authority) => !isOver(authority, now),
  );
  if (wanted.length === 0) return undefined;
  const prints = new Set(wanted.map(({ fingerprint }) => fingerprint));
  const outdated = bundles.filter((bundle) => bundle.prints === undefined || !same(bundle.prints, prints));
  return {
    prints,
    caBundle: wanted.map(({ cert }) => cert).join(''),
    outdated: outdated.map(({ webhook }) => webhook),
  };
}

function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
