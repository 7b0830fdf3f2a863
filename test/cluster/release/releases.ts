/** The releases that the session `release` installs: this tree's, signed by a throw-away key, and the one before. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../charts/clients.ts';
import { toolProgram } from '../../../release/build.ts';
import { Debian } from '../../../release/debian.ts';
import { readLock } from '../../../release/debian-lock.ts';
import { npmRun, taggedClone } from '../../release/tagged-clone.ts';
import { PRIVATE_REGISTRY } from '../webhook.ts';

const RIG = join(import.meta.dirname, '..', 'rig');
const PASSWORD = 'throw-away';

/** Host and path that this tree's release is made for. */
export const REGISTRY = `${PRIVATE_REGISTRY}/team`;

/** Where both lie, below a session's folder. */
export function releasesFolder(state: string): {
  current: string;
  key: string;
  previous: string;
} {
  const folder = join(state, 'releases');
  return {
    current: join(folder, 'current'),
    key: join(folder, 'cosign.pub'),
    previous: join(folder, 'previous'),
  };
}

/**
 * Make both, outside the enclosure.
 * @param state the session's folder; the images of the release before go into its `images`
 */
export async function prepareReleases(state: string): Promise<void> {
  const places = releasesFolder(state);
  const folder = join(state, 'releases');
  mkdirSync(folder, { recursive: true });
  const [debian, lock] = [new Debian(join(folder, 'apt')), readLock()];
  const env = { ...process.env, COSIGN_PASSWORD: PASSWORD };
  execFileSync(toolProgram(debian, lock, 'cosign'), ['generate-key-pair'], {
    cwd: folder,
    env,
    stdio: 'ignore',
  });

  const clone = join(folder, 'clone');
  taggedClone(clone);
  const key = join(folder, 'cosign.key');
  const flags = ['--registry', REGISTRY, '--no-push', '--key', key, '--out', places.current];
  const { code, output } = await npmRun(clone, 'release', flags, { env: { COSIGN_PASSWORD: PASSWORD } });
  if (code !== 0) throw new Error(`npm run release: exit ${code}\n${output}`);
  rmSync(clone, { recursive: true, force: true });

  const CACHE = join(cacheFolder(), 'previous');
  execFileSync(join(RIG, 'previous-release'), [places.previous], {
    env: { ...process.env, CACHE },
    stdio: 'inherit',
  });
  for (const name of ['curfew-previous', 'shim-previous'])
    cpSync(join(places.previous, `${name}.tar`), join(state, 'images', `${name}.tar`));
}
