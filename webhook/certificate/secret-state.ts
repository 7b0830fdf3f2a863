/**
 * The Secret's content: an authority, the leaf that it signed, the next authority, and former ones. It is parsed strictly: a part
 * that does not fit counts as missing, and gives a message that quotes nothing of it.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { StoredSecret } from '../kubernetes/objects.ts';
import { authoritySubject } from './x509.ts';

/** An authority's certificate. Times are milliseconds. */
export interface Authority {
  /** PEM. */
  cert: string;
  /** SHA-256, as openssl prints it. */
  fingerprint: string;
  notBefore: number;
  notAfter: number;
}

/** An authority with its key (PEM): it can sign. */
export interface Signer extends Authority {
  key: string;
}

/** The certificate that is served. */
export interface Leaf extends Signer {
  /** Its DNS names. */
  names: readonly string[];
  issuer: Authority;
}

/** The whole content. The leaf is always signed by `current`. */
export interface AuthorityState {
  current: Signer | undefined;
  leaf: Leaf | undefined;
  /** An authority that is published, and signs nothing yet. */
  next: Signer | undefined;
  /** Former authorities that may still be needed. */
  old: readonly Authority[];
}

export const NOTHING: AuthorityState = { current: undefined, leaf: undefined, next: undefined, old: [] };

/** The Secret's keys. */
const KEYS = {
  current: ['ca.crt', 'ca.key'],
  next: ['next-ca.crt', 'next-ca.key'],
  leaf: ['tls.crt', 'tls.key'],
  old: 'old-ca.crt',
} as const;

/** Curfew's own certificates and keys take 1 kB each. */
const MAX_TEXT = 64 * 1024;
const MAX_AUTHORITIES = 32;

/** A part that does not fit. The message says why, and quotes nothing of it. */
class Unusable extends Error {}

/** @returns the parts that fit, and a message for each that does not */
export function parseState({ data }: StoredSecret): { state: AuthorityState; problems: string[] } {
  const problems: string[] = [];
  const part = <T>(keys: readonly string[], parse: (...texts: string[]) => T): T | undefined => {
    if (keys.every((key) => !data.has(key))) return undefined;
    try {
      return parse(...keys.map((key) => data.get(key) ?? ''));
    } catch (error) {
      const why = error instanceof Unusable ? error.message : 'does not parse';
      problems.push(`${keys.join(' and ')}: ${why}`);
      return undefined;
    }
  };
  const current = part(KEYS.current, signerOf);
  const next = part(KEYS.next, signerOf);
  const leaf = part(KEYS.leaf, (cert = '', key = '') => leafOf({ cert, key }, current));
  const old = part([KEYS.old], (text = '') => authoritiesIn(text)) ?? [];
  return { state: { current, next, leaf, old }, problems };
}

/** The Secret's data. A key with undefined is to be removed. */
export function formatState({ current, next, leaf, old }: AuthorityState): Map<string, string | undefined> {
  const entries: [string, string | undefined][] = [
    [KEYS.current[0], current?.cert],
    [KEYS.current[1], current?.key],
    [KEYS.next[0], next?.cert],
    [KEYS.next[1], next?.key],
    [KEYS.leaf[0], leaf?.cert],
    [KEYS.leaf[1], leaf?.key],
    [KEYS.old, old.length === 0 ? undefined : old.map(({ cert }) => cert).join('')],
  ];
  return new Map(entries);
}

/** Parse an authority with its key. @throws where it cannot sign */
export function signerOf(cert = '', key = ''): Signer {
  const x509 = certificateOf(cert);
  checkKey(x509, key);
  // Only an authority that Curfew made is taken, because x509.ts writes a leaf's issuer by its own rules.
  if (!x509.ca || x509.subject !== authoritySubject(x509.publicKey) || !x509.verify(x509.publicKey)) {
    throw new Unusable('is not an authority that Curfew made');
  }
  return { ...describe(x509), key };
}

/** Parse a leaf with its key. @throws where it is not signed by `issuer` */
export function leafOf({ cert, key }: { cert: string; key: string }, issuer: Authority | undefined): Leaf {
  const x509 = certificateOf(cert);
  checkKey(x509, key);
  if (issuer === undefined) throw new Unusable('the authority that signed it is not there');
  const authority = new X509Certificate(issuer.cert);
  if (!x509.checkIssued(authority) || !x509.verify(authority.publicKey)) {
    throw new Unusable('it was not signed by the authority beside it');
  }
  const names = (x509.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice(4));
  return { ...describe(x509), key, names, issuer };
}

/** The certificates of a PEM bundle, without duplicates. @throws where one does not parse, or there are too many */
export function authoritiesIn(text: string): Authority[] {
  const found = new Map<string, Authority>();
  for (const x509 of certificatesIn(text)) {
    const authority = describe(x509);
    found.set(authority.fingerprint, authority);
  }
  return [...found.values()];
}

/** The certificates of a PEM text, in order. @throws where one does not parse, or there are too many */
export function certificatesIn(text: string): X509Certificate[] {
  if (text.length > MAX_AUTHORITIES * MAX_TEXT) throw new Unusable('is too long');
  const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (pems.length > MAX_AUTHORITIES) throw new Unusable('holds too many certificates');
  return pems.map(certificateOf);
}

export function describe(x509: X509Certificate): Authority {
  return {
    cert: x509.toString(),
    fingerprint: x509.fingerprint256,
    notBefore: x509.validFromDate.getTime(),
    notAfter: x509.validToDate.getTime(),
  };
}

function certificateOf(cert: string): X509Certificate {
  if (cert.length > MAX_TEXT) throw new Unusable('the certificate is too long');
  try {
    return new X509Certificate(cert);
  } catch {
    throw new Unusable('the certificate is not a PEM certificate');
  }
}

function checkKey(x509: X509Certificate, text: string): void {
  let key: KeyObject;
  try {
    if (text.length > MAX_TEXT) throw new Unusable('the key is too long');
    key = createPrivateKey(text);
  } catch {
    // Without the cause: OpenSSL's message about a key must not be logged.
    throw new Unusable('the key is not a PEM private key');
  }
  if (!x509.checkPrivateKey(key)) throw new Unusable('the key is not the key of the certificate');
}
