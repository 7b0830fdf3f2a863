/** Images whose commands are in the configuration (`images.entrypoints`), so no registry is asked for them. Pure. */
import type { ImageConfig } from '../decision/images.ts';
import { imageRepository } from '../decision/known-sidecar.ts';
import { formatReference, type ImageReference, parseReference } from '../registry/image-reference.ts';

/** One configured entry. */
export interface KnownImage {
  /** Without a tag or a digest the entry is for all tags. */
  image: string;
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  stopSignal?: string;
}

/** Finds an image's entry. One with a tag or a digest takes precedence over one without. */
export class KnownImages {
  private readonly byName = new Map<string, ImageConfig>();

  /** @throws {BadReference} where an entry's image does not parse */
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
