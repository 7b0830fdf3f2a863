/** The caBundles of the webhook configuration: the authorities that they hold, and those that they should hold. Pure. */
import type { StoredConfiguration } from '../kubernetes/objects.ts';
import { unique } from './authority.ts';
import { type Authority, type AuthorityState, certificatesIn, describe, type Leaf } from './secret-state.ts';
import { isRemovable } from './validity.ts';
import { AUTHORITY_ORGANIZATION } from './x509.ts';

/** The caBundle of one webhook. */
export interface Bundle {
  webhook: string;
  /** Fingerprints of its certificates; undefined where it does not parse. */
  fingerprints: ReadonlySet<string> | undefined;
  /** The authorities in it that Curfew has made. */
  ours: readonly Authority[];
}

/** Parse the caBundle of each webhook. */
export function parseBundles({ webhooks }: StoredConfiguration): Bundle[] {
  return webhooks.map(({ name, caBundle }) => {
    try {
      const certificates = certificatesIn(caBundle);
      const ours = certificates.filter(({ subject }) =>
        subject.split('\n').includes(`O=${AUTHORITY_ORGANIZATION}`),
      );
      const fingerprints = new Set(certificates.map(({ fingerprint256 }) => fingerprint256));
      return { webhook: name, fingerprints, ours: ours.map(describe) };
    } catch {
      return { webhook: name, fingerprints: undefined, ours: [] };
    }
  });
}

/** Fingerprints of the authorities that are in every caBundle. */
export function trustedIn(bundles: readonly Bundle[]): string[] {
  const [first, ...others] = bundles;
  return [...(first?.fingerprints ?? [])].filter((fingerprint) =>
    others.every(({ fingerprints }) => fingerprints?.has(fingerprint)),
  );
}

/** What every caBundle should hold. */
interface WantedBundle {
  fingerprints: ReadonlySet<string>;
  /** PEM. */
  caBundle: string;
  /** The webhooks whose caBundle holds something else. */
  outdated: readonly string[];
}

/**
 * The caBundle for a state: its authorities, the issuer of the leaf that is served, and all authorities of Curfew that are in a
 * caBundle now and are not expired. This replica may have read an older Secret than another one, so it must not remove an authority
 * whose leaf the other serves.
 * @returns undefined where there is no authority yet
 */
export function wantedBundle(
  bundles: readonly Bundle[],
  { current, next, old }: AuthorityState,
  served: Leaf | undefined,
  now: number,
): WantedBundle | undefined {
  const own = [next, current, served?.issuer, ...old].filter((authority) => authority !== undefined);
  const wanted = unique([...own, ...bundles.flatMap(({ ours }) => ours)]).filter(
    (authority) => !isRemovable(authority, now),
  );
  if (wanted.length === 0) return undefined;
  const fingerprints = new Set(wanted.map(({ fingerprint }) => fingerprint));
  const outdated = bundles.filter(
    (bundle) => bundle.fingerprints === undefined || !equal(bundle.fingerprints, fingerprints),
  );
  return {
    fingerprints,
    caBundle: wanted.map(({ cert }) => cert).join(''),
    outdated: outdated.map(({ webhook }) => webhook),
  };
}

function equal(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
