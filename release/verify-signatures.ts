/** The signatures: cosign finds that one key has signed the checksums, both images, and the chart. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sha256 } from './archive.ts';
import type { Checked } from './checked.ts';
import { taggedEntry } from './images.ts';
import { withRegistry } from './local-registry.ts';
import { SUMS } from './make.ts';
import { attempt, ReleaseError } from './program.ts';
import { pushRelease, REPOSITORIES } from './push.ts';
import { PUBLIC_KEY, SUMS_SIGNATURE } from './signing.ts';

/** There is no public log of these signatures: see signing.ts. */
const OFFLINE = '--insecure-ignore-tlog=true';

/** A registry to look into, besides the folder. */
interface Place {
  registry: string | undefined;
  plainHttp: boolean;
}

/**
 * Check them.
 * @param key the file of the public key that must have signed
 * @throws {ReleaseError}
 */
export async function checkSignatures(
  checked: Checked,
  key: string | undefined,
  place: Place,
): Promise<string[]> {
  const { folder, work, tools } = checked;
  if (!existsSync(join(folder, SUMS_SIGNATURE))) {
    if (key !== undefined || place.registry !== undefined) throw new ReleaseError('nothing is signed here');
    return ['nothing is signed: only the one who made it knows where it comes from'];
  }
  const beside = join(folder, PUBLIC_KEY);
  const publicKey = key === undefined ? beside : resolve(key);
  const sums = ['--signature', join(folder, SUMS_SIGNATURE), join(folder, SUMS)];
  verified(checked, `the signature of ${SUMS}`, ['verify-blob', '--key', publicKey, OFFLINE, ...sums]);
  const said = [`${SUMS_SIGNATURE} is the key's signature of ${SUMS}, and so of every file`];
  await withRegistry(join(work, 'registry'), (host) => {
    pushRelease({ folder, registry: host, plainHttp: true, oras: tools.oras });
    checkRegistry(checked, publicKey, host, true);
  });
  said.push('both images and the chart: signed, with signed provenance, by the same key');
  if (place.registry !== undefined) {
    checkRegistry(checked, publicKey, place.registry, place.plainHttp);
    said.push(`${place.registry} has them under ${checked.version}, with these signatures`);
  }
  const fingerprint = `SHA-256 ${await sha256(publicKey)}`;
  said.push(
    key === undefined
      ? `the key is the ${PUBLIC_KEY} that lies beside them (${fingerprint}): compare it with the one that you know`
      : `the key is ${key} (${fingerprint})`,
  );
  return said;
}

function checkRegistry(checked: Checked, key: string, registry: string, plainHttp: boolean): void {
  const http = plainHttp ? ['--allow-http-registry'] : [];
  for (const name of REPOSITORIES) {
    const { digest } = taggedEntry(join(checked.folder, 'oci', name), checked.version);
    const resolved = attempt(checked.tools.oras, [
      'resolve',
      ...(plainHttp ? ['--plain-http'] : []),
      `${registry}/${name}:${checked.version}`,
    ]);
    if (resolved.stdout.trim() !== digest)
      throw new ReleaseError(
        `${registry}/${name}:${checked.version} is not ${digest}: ${resolved.stdout}${resolved.stderr}`.trim(),
      );
    const reference = `${registry}/${name}@${digest}`;
    verified(checked, `the signature of ${reference}`, ['verify', '--key', key, OFFLINE, ...http, reference]);
    const type = ['--type', 'slsaprovenance1'];
    verified(checked, `the provenance of ${reference}`, [
      'verify-attestation',
      '--key',
      key,
      OFFLINE,
      ...type,
      ...http,
      reference,
    ]);
  }
}

function verified({ tools }: Checked, what: string, args: readonly string[]): void {
  const { status, stderr } = attempt(tools.cosign, args);
  if (status !== 0)
    throw new ReleaseError(`${what} does not hold: ${stderr.trim().split('\n').at(-1) ?? ''}`);
}
