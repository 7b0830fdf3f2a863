/** Signs images, chart and checksums with cosign, as its own users verify them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withRegistry } from './local-registry.ts';
import { type Made, SUMS } from './make.ts';
import { attempt, ownEnvironment, ReleaseError, run } from './program.ts';
import { pushRelease } from './push.ts';

/** Beside {@link SUMS}: base64 of the signature, and the public key. */
export const SUMS_SIGNATURE = `${SUMS}.sig`;
export const PUBLIC_KEY = 'cosign.pub';

/** The folder of the layouts that hold the signatures of images and chart. */
export const SIGNATURES = 'signatures';

/** The signatures' tags, as cosign names them after the digest that is signed. */
export const SIGNED_TAG = /^sha256-([0-9a-f]{64})\.(?:sig|att)$/;

/** No public log: it would learn of every release, and a release is made offline. */
const OFFLINE = ['--yes', '--tlog-upload=false'];

/**
 * Look at a key before the minutes that a release takes.
 * @throws {ReleaseError} where cosign cannot use it
 */
export function checkKey(cosign: string, key: string): void {
  const { status, stderr } = attempt(cosign, ['public-key', '--key', key], { env: ownEnvironment() });
  if (status !== 0)
    throw new ReleaseError(
      `--key ${key} cannot be used: ${stderr.trim().split('\n').at(-1)}\nA file's password is COSIGN_PASSWORD; "cosign generate-key-pair" makes one`,
    );
}

/**
 * Sign. The signatures of images and chart become layouts below `signatures/`, which are pushed with them.
 * @param key a file of cosign's, or whatever else it takes
 */
export async function signRelease(made: Made, registry: string, key: string, work: string): Promise<void> {
  const { folder, artifacts, predicate } = made;
  const { cosign, oras } = made.tools;
  const sign = (...args: string[]) => run(cosign, args, { env: ownEnvironment() });
  await withRegistry(join(work, 'registry'), (host) => {
    pushRelease({ folder, registry: host, plainHttp: true, oras });
    for (const { name, digest } of artifacts) {
      const target = `${host}/${name}@${digest}`;
      const http = '--allow-http-registry';
      const identity = `--sign-container-identity=${registry}/${name}`;
      sign('sign', ...OFFLINE, http, '--key', key, '--recursive', identity, target);
      sign(
        'attest',
        ...OFFLINE,
        http,
        '--key',
        key,
        '--type=slsaprovenance1',
        `--predicate=${predicate}`,
        target,
      );
      const layout = join(folder, SIGNATURES, name);
      const tags = run(oras, ['repo', 'tags', '--plain-http', `${host}/${name}`]).split('\n');
      for (const tag of tags.filter((found) => SIGNED_TAG.test(found)).sort()) {
        const to = `${layout}:${tag}`;
        run(oras, ['cp', '--no-tty', '--from-plain-http', '--to-oci-layout', `${host}/${name}:${tag}`, to]);
      }
    }
  });
  const sums = join(folder, SUMS);
  writeFileSync(join(folder, SUMS_SIGNATURE), sign('sign-blob', ...OFFLINE, '--key', key, sums), {
    mode: 0o644,
  });
  writeFileSync(join(folder, PUBLIC_KEY), sign('public-key', '--key', key), { mode: 0o644 });
}
