/** The image look-up that a configuration asks for, with the pull secrets of the pod's own cluster. */
import type { Config } from '../config/config.ts';
import type { ImageLookup } from '../decision/images.ts';
import type { PullSecret, SecretReader } from '../images/pull-secrets.ts';
import type { Metrics } from './metrics.ts';

/** @param closing ends what is under way, and hangs up */
export async function reviewImages(
  config: Config,
  metrics: Metrics,
  closing: AbortSignal,
): Promise<ImageLookup> {
  const { images } = config;
  const { createImageService } = await import('../images/service.ts');
  if (images.mode === 'off') return createImageService(images);
  const observer = metrics.imageLookups(images.registries.map(({ host }) => host));
  const wanted = images.pullSecrets || images.defaultPullSecret !== undefined;
  const secrets = wanted ? new LateSecretReader(closing) : undefined;
  const service = createImageService(images, { observer, secrets });
  closing.addEventListener('abort', () => service.close(), { once: true });
  return service;
}

/** Connects to the API server when the first secret is wanted: many a cluster's images need none, and it costs 28 MB. */
class LateSecretReader implements SecretReader {
  private readonly closing: AbortSignal;
  private connected: Promise<SecretReader> | undefined;

  constructor(closing: AbortSignal) {
    this.closing = closing;
  }

  /** @throws {RegistryError} */
  async pullSecrets(...asked: Parameters<SecretReader['pullSecrets']>): Promise<readonly PullSecret[]> {
    this.connected ??= import('../images/secret-reader.ts').then(({ connectSecretReader }) =>
      connectSecretReader(process.env, this.closing),
    );
    return (await this.connected).pullSecrets(...asked);
  }
}
