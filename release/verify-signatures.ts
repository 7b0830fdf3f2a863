/** The signatures: cosign finds that one key has signed the checksums, both images, and the chart. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sha256 } from './archive.ts';
import type { Checked } from './checked.ts';
import { taggedEntry } from './images.ts';
import { withRegistry } from './local-registry.ts';
import { SUMS } from './make.ts';
import { attempt, ownEnvironment, ReleaseError } from './program.ts';
import { pushRelease, REPOSITORIES, WAYS_IN } from './push.ts';
import { PUBLIC_KEY, SIGNATURES, SUMS_SIGNATURE } from './signing.ts';
import { checkSignatureFiles } from './verify-signature-files.ts';

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
  const { folder, version, work, tools } = checked;
  if (!existsSync(join(folder, SUMS_SIGNATURE))) return checkUnsigned(checked, key, place);
  checkSignatureFiles(folder, version);
  const beside = join(folder, PUBLIC_KEY);
  if (key === undefined && !existsSync(beside)) throw new ReleaseError(`${PUBLIC_KEY} is not there`);
  const publicKey = key === undefined ? beside : resolve(key);
  const sums = ['--signature', join(folder, SUMS_SIGNATURE), join(folder, SUMS)];
  verified(checked, `the signature of ${SUMS}`, ['verify-blob', '--key', publicKey, OFFLINE, ...sums]);
  const said = [`${SUMS_SIGNATURE} is the key's signature of ${SUMS}, and so of every file`];
  await withRegistry(join(work, 'registry'), (host) => {
    pushRelease({ folder, registry: host, plainHttp: true, oras: tools.oras });
    for (const name of REPOSITORIES) {
      const { digest } = taggedEntry(join(folder, 'oci', name), version);
      checkArtifact(checked, publicKey, {
        name: `oci/${name}`,
        reference: `${host}/${name}@${digest}`,
        plainHttp: true,
      });
    }
  });
  said.push('both images and the chart: signed, with signed provenance, by the same key');
  const { registry, plainHttp } = place;
  if (registry !== undefined) {
    for (const reference of pushed(checked, registry, plainHttp))
      checkArtifact(checked, publicKey, { name: reference, reference, plainHttp });
    said.push(`${registry} has them under ${version}, with these signatures`);
  }
  const fingerprint = `SHA-256 ${await sha256(publicKey)}`;
  said.push(
    key === undefined
      ? `the key is the ${PUBLIC_KEY} that lies beside them (${fingerprint}): compare it with the one that you know`
      : `the key is ${key} (${fingerprint})`,
  );
  return said;
}

/** What can be said of a release that nobody has signed. */
function checkUnsigned(checked: Checked, key: string | undefined, { registry, plainHttp }: Place): string[] {
  const left = [PUBLIC_KEY, `${SIGNATURES}/`].filter((name) => existsSync(join(checked.folder, name)));
  if (left.length > 0)
    throw new ReleaseError(
      `${SUMS_SIGNATURE} was taken away: ${left.join(' and ')} would not be here without it`,
    );
  if (key !== undefined) throw new ReleaseError('nothing is signed here, and --key asks for signatures');
  const said = ['nothing is signed: nothing proves where it comes from'];
  if (registry !== undefined) {
    pushed(checked, registry, plainHttp);
    said.push(`${registry} has both images and the chart under ${checked.version}`);
  }
  return said;
}

/** The images and the chart of a registry by their digests. @throws {ReleaseError} where it has others under the version */
function pushed({ folder, version, tools }: Checked, registry: string, plainHttp: boolean): string[] {
  return REPOSITORIES.map((name) => {
    const { digest } = taggedEntry(join(folder, 'oci', name), version);
    const tagged = `${registry}/${name}:${version}`;
    const resolve = ['resolve', `--plain-http=${plainHttp}`, tagged];
    const { status, stdout, stderr } = attempt(tools.oras, resolve, { env: ownEnvironment() });
    if (status !== 0)
      throw new ReleaseError(`${tagged} is not there, or cannot be asked for: ${stderr.trim()}\n${WAYS_IN}`);
    if (stdout.trim() !== digest) throw new ReleaseError(`${tagged} is not ${digest}: ${stdout.trim()}`);
    return `${registry}/${name}@${digest}`;
  });
}

/** What is signed, where cosign finds it, and what to call it. */
interface Artifact {
  name: string;
  reference: string;
  plainHttp: boolean;
}

function checkArtifact(checked: Checked, key: string, { name, reference, plainHttp }: Artifact): void {
  const options = ['--key', key, OFFLINE, ...(plainHttp ? ['--allow-http-registry'] : [])];
  const type = ['--type', 'slsaprovenance1'];
  verified(checked, `the signature of ${name}`, ['verify', ...options, reference]);
  verified(checked, `the provenance of ${name}`, ['verify-attestation', ...type, ...options, reference]);
}

function verified({ tools }: Checked, what: string, args: readonly string[]): void {
  const { status, stderr } = attempt(tools.cosign, args, { env: ownEnvironment() });
  if (status !== 0)
    throw new ReleaseError(`${what} does not hold: ${stderr.trim().split('\n').at(-1) ?? ''}`);
}
