/** Images as the commands that need no cluster look them up: with the user's own docker credentials, and no secret of a cluster. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ImageLookup, noLookup } from '../decision/images.ts';
import type { ImageService } from '../images/service.ts';
import { UsageError } from '../shared/usage-error.ts';

/** What docker itself reads. */
const CONFIG_NAME = 'config.json';

/** A look-up, and the end of it. */
export interface OfflineImages extends ImageLookup {
  close(): void;
}

/**
 * Put a look-up together when the first image is wanted: most manifests want none, and then nothing is loaded or read.
 * @param configFile the webhook's configuration: its `images` count, but for the identities that are the webhook's own
 * @param enabled false: no registry is asked
 */
export function offlineImages(
  configFile: string | undefined,
  enabled: boolean,
  env: NodeJS.ProcessEnv = process.env,
): OfflineImages {
  let made: Promise<ImageService> | undefined;
  let open: ImageService | undefined;
  return {
    lookUp: async (...asked) => {
      if (asked[0].length === 0) return noLookup.lookUp(...asked);
      made ??= create(configFile, enabled, env);
      open = await made;
      return open.lookUp(...asked);
    },
    close: () => open?.close(),
  };
}

/** @throws {UsageError} */
async function create(
  configFile: string | undefined,
  enabled: boolean,
  env: NodeJS.ProcessEnv,
): Promise<ImageService> {
  const [{ ConfigError, readConfig }, { createImageService }, { DockerConfigFile }] = await Promise.all([
    import('../config/config.ts'),
    import('../images/service.ts'),
    import('../registry/docker-config.ts'),
  ]);
  const config = await readConfig(configFile).catch((error: unknown) => {
    throw error instanceof ConfigError ? new UsageError(error.message, { cause: error }) : error;
  });
  const { dockerConfig: _, ...images } = config.images;
  const { DOCKER_CONFIG } = env;
  const folder =
    DOCKER_CONFIG === undefined || DOCKER_CONFIG === '' ? join(homedir(), '.docker') : DOCKER_CONFIG;
  const file = join(folder, CONFIG_NAME);
  return createImageService(
    { ...images, ...(enabled ? {} : { mode: 'off' as const }), cloud: [] },
    {
      env,
      dockerConfigs: [new DockerConfigFile(file, true)],
      credentialHint: (registry) =>
        `run "docker login ${registry}" as somebody who may read it (it goes into ${file})`,
    },
  );
}
