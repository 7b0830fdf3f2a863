/** Images whose commands the configuration tells (`images.entrypoints`): no network is needed for them. Pure. */

import type { ImageConfig } from '../decision/images.ts';
import { imageRepository } from '../decision/known-sidecar.ts';
import { formatReference, type ImageReference, parseReference } from '../registry/image-reference.ts';

/** One entry, as it is configured. */
export interface KnownImage {
  /** Without a tag and a digest it stands for all of them. */
  image: string;
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  stopSignal?: string;
}

/** Looks images up in the configuration; an entry with a tag or a digest goes before one without. */
export class KnownImages {
  private readonly byName = new Map<string, ImageConfig>();

  /** @throws {BadReference} for an image that is none */
  constructor(known: readonly KnownImage[]) {
    for (const { image, entrypoint = [], cmd = [], stopSignal } of known) {
      const reference = parseReference(image);
      const whole = imageRepository(image) !== image;
      this.byName.set(whole ? formatReference(reference) : repositoryOf(reference), {
        entrypoint: [...entrypoint],
        cmd: [...cmd],
        ...(stopSignal === undefined ? {} : { stopSignal }),
      });
    }
  }

  find(reference: ImageReference): ImageConfig | undefined {
    return this.byName.get(formatReference(reference)) ?? this.byName.get(repositoryOf(reference));
  }
}

function repositoryOf({ registry, repository }: ImageReference): string {
  return `${registry}/${repository}`;
}
