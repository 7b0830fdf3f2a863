import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import fc from 'fast-check';
import { createAuthority, createLeaf, type KeyPair } from '../../../webhook/certificate/x509.ts';

const HOUR = 3_600_000;
const NAME = 'curfew.curfew.svc';
const now = Date.now();
const validity = { notBefore: now - HOUR, notAfter: now + HOUR };

/** The answer of `openssl verify` with its strictest checks. */
function verify(authorities: KeyPair[], leaf: KeyPair, name = NAME): string {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-'));
  try {
    writeFileSync(join(folder, 'ca.crt'), authorities.map(({ cert }) => cert).join(''));
    writeFileSync(join(folder, 'tls.crt'), leaf.cert);
    const words = [
      'verify',
      '-x509_strict',
      '-check_ss_sig',
      '-purpose',
      'sslserver',
      '-verify_hostname',
      name,
    ];
    return execFileSync('openssl', [...words, '-CAfile', 'ca.crt', 'tls.crt'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch (error) {
    return error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('openssl with its strictest checks accepts a leaf for its name, with the right authority among others', () => {
  const [authority, other] = [createAuthority(validity), createAuthority(validity)];
  const leaf = createLeaf(authority, [NAME, `${NAME}.cluster.local`], validity);
  assert.equal(verify([other, authority], leaf), 'tls.crt: OK');
  assert.equal(verify([authority], leaf, `${NAME}.cluster.local`), 'tls.crt: OK');
  assert.match(verify([authority], leaf, 'curfew.other.svc'), /hostname mismatch/i);
  assert.match(verify([other], leaf), /unable to get local issuer/);
  const late = createLeaf(authority, [NAME], { notBefore: now - HOUR, notAfter: now - 1000 });
  assert.match(verify([authority], late), /expired/);
  const early = createLeaf(authority, [NAME], { notBefore: now + 60_000, notAfter: now + HOUR });
  assert.match(verify([authority], early), /not yet valid/);
});

test('an authority may sign leaves and no authorities, and a leaf may sign nothing', () => {
  const authority = createAuthority(validity);
  const leaf = createLeaf(authority, [NAME], validity);
  const below = createLeaf(leaf, [NAME], validity);
  assert.notEqual(verify([authority, leaf], below), 'tls.crt: OK');
  const [ca, end] = [new X509Certificate(authority.cert), new X509Certificate(leaf.cert)];
  assert.equal(ca.ca, true);
  assert.equal(end.ca, false);
  assert.deepEqual(end.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'extended key usage: serverAuth alone');
  assert.ok(end.checkIssued(ca) && end.verify(ca.publicKey));
});

test('a TLS client that trusts only the authority connects', async (t) => {
  const authority = createAuthority(validity);
  const leaf = createLeaf(authority, [NAME], validity);
  const server = createServer({ cert: leaf.cert, key: leaf.key }, (socket) => socket.end()).listen(
    0,
    '127.0.0.1',
  );
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  const socket = connect({ port, host: '127.0.0.1', servername: NAME, ca: authority.cert });
  await once(socket, 'secureConnect');
  assert.equal(socket.authorized, true);
  socket.destroy();
});

test('serial numbers are positive, have 16 bytes, and differ', () => {
  const serials = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const { serialNumber } = new X509Certificate(createAuthority(validity).cert);
    assert.match(serialNumber, /^[4-7][0-9A-F]{31}$/);
    serials.add(serialNumber);
  }
  assert.equal(serials.size, 200);
});

test('times and names are parsed as they were written, in whole seconds', () => {
  const second = fc.integer({ min: 0, max: Date.UTC(2150, 0, 1) / 1000 });
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  const names = fc.array(label, { minLength: 1, maxLength: 16 });
  const authority = createAuthority(validity);
  fc.assert(
    fc.property(second, second, names, (a, b, hosts) => {
      const times = { notBefore: Math.min(a, b) * 1000, notAfter: Math.max(a, b) * 1000 };
      const parsed = new X509Certificate(createLeaf(authority, hosts, times).cert);
      assert.equal(parsed.validFromDate.getTime(), times.notBefore);
      assert.equal(parsed.validToDate.getTime(), times.notAfter);
      assert.equal(parsed.subjectAltName, hosts.map((host) => `DNS:${host}`).join(', '));
    }),
    { numRuns: 300 },
  );
});
