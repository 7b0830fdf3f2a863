/** Questions about images, and their answers. Nothing here knows a registry. */
import type { Machine } from '../../shim/machine-words.ts';
import type { PodView } from './pod.ts';
import { containerKey, ENTRYPOINT } from './vocabulary.ts';

/** A container whose command is known only from its image. */
export interface ImageRequest {
  container: string;
  image: string;
}

/** An image's command, as its configuration gives it. */
export interface ImageConfig {
  entrypoint: string[];
  cmd: string[];
  stopSignal?: string;
}

export type ImageFailure =
  | 'image-lookup-off'
  | 'image-not-found'
  | 'image-unauthorized'
  | 'image-unreachable'
  | 'image-timeout'
  | 'image-unusable';

/** The message is one sentence without secrets that names the way out. */
export type ImageAnswer =
  | {
      ok: true;
      config: ImageConfig;
      /** Where the command differs between the machines that the pod can land on: each machine's. {@link config} is the first one's. */
      byMachine?: ReadonlyMap<Machine, ImageConfig>;
    }
  | { ok: false; reason: ImageFailure; message: string };

export interface ImageLookup {
  /**
   * Ask about images, at the cost of network calls.
   * @returns one answer for each request, by the container's name
   */
  lookUp(
    requests: ImageRequest[],
    namespace: string,
    pod: PodView,
    signal: AbortSignal,
  ): Promise<Map<string, ImageAnswer>>;
}

/** The answer where no look-up is configured. */
export function lookupIsOff(request: ImageRequest): ImageAnswer {
  return {
    ok: false,
    reason: 'image-lookup-off',
    message:
      `container ${request.container} sets no command and images are not looked up here: ` +
      `set its command, or the annotation ${containerKey(ENTRYPOINT, request.container)}: '["/program"]'`,
  };
}

/** No look-up: every request is answered by {@link lookupIsOff}. */
export const noLookup: ImageLookup = {
  lookUp: async (requests) => new Map(requests.map((request) => [request.container, lookupIsOff(request)])),
};
