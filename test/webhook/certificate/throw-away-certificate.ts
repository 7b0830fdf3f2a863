/**
 * Certificates that live as long as a test: an authority, and leaves of it for 127.0.0.1 and localhost.
 */
import { webcrypto, X509Certificate } from 'node:crypto';

// @peculiar/x509 wants a Reflect polyfill for its dependency injection, of which it uses nothing that stores metadata.
Object.assign(Reflect, {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => {},
});
const x509 = await import('@peculiar/x509');

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 24 * 3_600_000;

export interface Pair {
  cert: string;
  key: string;
  fingerprint: string;
}

/** An authority that signs leaves. */
export interface Authority {
  /** Its own certificate, for a client's `ca`. */
  cert: string;
  issue(options?: { notAfter?: Date; commonName?: string; dns?: string }): Promise<Pair>;
}

/** Make an authority. */
export async function createAuthority(): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Throw-away authority',
    keys,
    signingAlgorithm: SIGNING,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  return {
    cert: root.toString('pem'),
    issue: async ({
      notAfter = new Date(Date.now() + DAY),
      commonName = 'localhost',
      dns = 'localhost',
    } = {}) => {
      const leafKeys = await webcrypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
      const leaf = await x509.X509CertificateGenerator.create({
        subject: `CN=${commonName}`,
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: SIGNING,
        notBefore: new Date(Date.now() - 2 * DAY),
        notAfter,
        extensions: [
          new x509.SubjectAlternativeNameExtension([
            { type: 'dns', value: dns },
            { type: 'ip', value: '127.0.0.1' },
          ]),
        ],
      });
      const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey));
      const cert = leaf.toString('pem');
      return {
        cert,
        key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
        fingerprint: new X509Certificate(cert).fingerprint256,
      };
    },
  };
}
