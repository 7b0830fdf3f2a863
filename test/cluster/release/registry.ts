/** The registry that the session's node pulls from, with this tree's release in it. */
import { join } from 'node:path';
import { startDockerRegistry } from '../../webhook/registry/docker-registry.ts';
import { runProgram } from '../kubectl.ts';
import { PRIVATE_REGISTRY } from '../webhook.ts';
import { releasesFolder } from './releases.ts';

const STATE = process.env.STATE ?? '';

/** Start it and push. @returns what stops it */
export async function serveRelease(): Promise<() => Promise<void>> {
  const { current } = releasesFolder(STATE);
  const registry = await startDockerRegistry({
    storage: join(STATE, 'releases', 'store'),
    folder: join(STATE, 'releases', 'registry'),
    host: PRIVATE_REGISTRY,
  });
  // "npm run release:push", without npm.
  const program = join(import.meta.dirname, '..', '..', '..', 'release', 'push-release.ts');
  const { code, stderr } = await runProgram(process.execPath, [program, current, '--plain-http']);
  if (code !== 0) throw new Error(stderr);
  return registry.stop;
}
