/**
 * Writing X.509 certificates (RFC 5280): an authority and the leaves it signs, ECDSA P-256 with SHA-256.
 *
 * Node's crypto makes keys and signatures and reads certificates, but writes none. What is missing is this much DER; a
 * library for it brings 540 kB of bundle and 10 MB resident.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';

/** A certificate and its private key (PKCS #8), PEM texts. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** From when to when a certificate is valid, in milliseconds. It is written in whole seconds. */
export interface Validity {
  notBefore: number;
  notAfter: number;
}

/** The organization in the subject of the authorities that Curfew makes. */
export const AUTHORITY_ORGANIZATION = 'curfew.dev self-managed';

/**
 * The subject of the authority with this key, as X509Certificate prints it. Each key has its own subject, so a verifier that looks
 * for an issuer by name finds the right one.
 */
export function authoritySubject(publicKey: KeyObject): string {
  return `O=${AUTHORITY_ORGANIZATION}\nCN=${commonNameOf(keyIdOf(publicKey))}`;
}

const commonNameOf = (keyId: Buffer): string => `curfew-ca-${keyId.toString('hex', 0, 8)}`;

/** Create a key and a self-signed certificate that may sign leaves, and no other authorities. */
export function createAuthority(validity: Validity): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const keyId = keyIdOf(publicKey);
  const name = distinguishedName(commonNameOf(keyId), AUTHORITY_ORGANIZATION);
  const extensions = [
    extension('2.5.29.19', sequence(BOOLEAN_TRUE, integer(Buffer.from([0]))), 'critical'), // basicConstraints, no CA below
    extension('2.5.29.15', bits(1, 0b0000_0110), 'critical'), // keyUsage: keyCertSign, cRLSign
    extension('2.5.29.14', tlv(0x04, keyId)), // subjectKeyIdentifier
  ];
  return {
    cert: certificate(name, name, validity, publicKey, extensions, privateKey),
    key: pkcs8(privateKey),
  };
}

/**
 * Create a key and a certificate for a server, signed by `authority`.
 * @param names DNS names; the first is the common name where it fits
 */
export function createLeaf(authority: KeyPair, names: readonly string[], validity: Validity): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const signer = createPrivateKey(authority.key);
  const signerId = keyIdOf(createPublicKey(signer));
  const [first = 'curfew'] = names;
  const extensions = [
    extension('2.5.29.19', sequence(), 'critical'), // basicConstraints: no CA
    extension('2.5.29.15', bits(7, 0b1000_0000), 'critical'), // keyUsage: digitalSignature
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))), // extendedKeyUsage: serverAuth
    extension('2.5.29.17', sequence(...names.map((name) => tlv(0x82, Buffer.from(name, 'ascii'))))), // subjectAltName
    extension('2.5.29.14', tlv(0x04, keyIdOf(publicKey))), // subjectKeyIdentifier
    extension('2.5.29.35', sequence(tlv(0x80, signerId))), // authorityKeyIdentifier
  ];
  const subject = distinguishedName(first.length <= MAX_COMMON_NAME ? first : 'curfew');
  const issuer = distinguishedName(commonNameOf(signerId), AUTHORITY_ORGANIZATION);
  return {
    cert: certificate(subject, issuer, validity, publicKey, extensions, signer),
    key: pkcs8(privateKey),
  };
}

/** RFC 5280, ub-common-name. */
const MAX_COMMON_NAME = 64;

function certificate(
  subject: Buffer,
  issuer: Buffer,
  { notBefore, notAfter }: Validity,
  publicKey: KeyObject,
  extensions: Buffer[],
  signer: KeyObject,
): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))), // version 3
    integer(serialNumber()),
    algorithm,
    issuer,
    sequence(time(notBefore), time(notAfter)),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signer);
  const der = sequence(body, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const pkcs8 = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString();

/** 126 random bits after two fixed ones: positive, not zero, and always 16 bytes. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

/** RFC 5280, 4.2.1.2 (1): SHA-1 of the public key's bits. It is an identifier, so its strength does not matter. */
function keyIdOf(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  // An uncompressed P-256 point is the last 65 bytes.
  return createHash('sha1').update(spki.subarray(-65)).digest();
}

function distinguishedName(commonName: string, organization?: string): Buffer {
  const attribute = (type: string, value: string) =>
    tlv(0x31, sequence(oid(type), tlv(0x0c, Buffer.from(value, 'utf8'))));
  const parts = [attribute('2.5.4.3', commonName)];
  if (organization !== undefined) parts.unshift(attribute('2.5.4.10', organization));
  return sequence(...parts);
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). */
function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  return Number(digits.slice(0, 4)) < 2050
    ? tlv(0x17, Buffer.from(digits.slice(2), 'ascii'))
    : tlv(0x18, Buffer.from(digits, 'ascii'));
}

function extension(id: string, value: Buffer, critical?: 'critical'): Buffer {
  const parts = critical === undefined ? [oid(id)] : [oid(id), BOOLEAN_TRUE];
  return sequence(...parts, tlv(0x04, value));
}

// DER (ITU-T X.690): each value is a tag, the length of its content, and the content.

const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts));
const integer = (bytes: Buffer): Buffer => tlv(0x02, bytes);
const bits = (unused: number, byte: number): Buffer => tlv(0x03, Buffer.from([unused, byte]));

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = [tag];
  if (length < 0x80) head.push(length);
  else if (length < 0x100) head.push(0x81, length);
  else head.push(0x82, length >> 8, length & 0xff); // no value here reaches 64 kB
  return Buffer.concat([Buffer.from(head), content]);
}

const BOOLEAN_TRUE = tlv(0x01, Buffer.from([0xff]));

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}
