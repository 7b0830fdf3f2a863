/** What the commands of a release take: the folder of one, and the registry where one lies. */
import { join, resolve } from 'node:path';
import { UsageError } from './program.ts';

/** Where `npm run release` puts a release. */
export const RELEASE_FOLDER = join(import.meta.dirname, '..', 'dist', 'release');

/** The folder that is named. @throws {UsageError} where more than one is */
export function oneFolder([folder, surplus]: readonly string[]): string {
  if (surplus !== undefined) throw new UsageError(`${surplus} is one folder too many`);
  return resolve(folder ?? RELEASE_FOLDER);
}

/** https://github.com/distribution/reference/blob/main/regexp.go, without digests and tags. */
const HOST = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d+)?$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;

/**
 * The text of `--registry`: host and path, as they stand in an image reference.
 * @throws {UsageError} with what is wrong with it
 */
export function parseRegistry(text: string): string {
  const wrong = (why: string) =>
    new UsageError(`--registry ${text} is not HOST/PATH, as in registry.example.com/team: ${why}`);
  if (text.includes('://'))
    throw wrong('it is written without https://, and --plain-http says that there is no TLS');
  if (/[A-Z]/.test(text)) throw wrong('image references are in lower case');
  const [host = '', ...path] = text.split('/');
  if (!HOST.test(host)) throw wrong(host === '' ? 'it has no host' : `${host} is no host`);
  // Without a dot or a port those that pull it take it for a name on Docker Hub: https://github.com/distribution/reference/blob/main/normalize.go
  if (!/[.:]/.test(host) && host !== 'localhost')
    throw wrong(
      `${host} has no dot and no port, so nodes take it for docker.io/${host}; write docker.io/${text} for that`,
    );
  for (const part of path)
    if (!PATH_COMPONENT.test(part))
      throw wrong(part === '' ? 'a slash too many' : `${part} is no part of a path`);
  return text;
}
