/** The answer to "what would these containers have run?": from the configuration, from the registry, or a reason why not. */
import { isDeepStrictEqual } from 'node:util';
import type { Machine } from '../../shim/machine-words.ts';
import {
  type ImageAnswer,
  type ImageConfig,
  type ImageFailure,
  type ImageLookup,
  type ImageRequest,
  lookupIsOff,
} from '../decision/images.ts';
import { machinesOf } from '../decision/nodes.ts';
import type { PodView } from '../decision/pod.ts';
import { containerKey, ENTRYPOINT } from '../decision/vocabulary.ts';
import { hostFits } from '../registry/docker-auths.ts';
import { RegistryError } from '../registry/error.ts';
import type { ImageContent } from '../registry/image-content.ts';
import { BadReference, type ImageReference, parseReference } from '../registry/image-reference.ts';
import { member } from '../shared/json.ts';
import type { Asker, Found, FoundBy, ImageFinder, PullPolicy } from './finder.ts';
import { type KnownImage, KnownImages } from './known-images.ts';

/** Told of each look-up; `seconds` from the question to the answer. */
export interface ImageObserver {
  lookedUp(registry: string, result: FoundBy | ImageFailure, seconds: number): void;
}

/** Looking up in registries. */
export interface RegistrySide {
  finder: ImageFinder;
  askerOf(namespace: string, pod: PodView): Asker;
  /** What a person does about an image that none of the credentials here may read: `give it ...`. */
  wayIn(registry: string): string;
  /** The only hosts that are asked; empty: any. */
  hosts: readonly string[];
  /** The cluster's kinds of nodes. */
  machines: readonly Machine[];
}

export class ConfiguredLookup implements ImageLookup {
  private readonly known: KnownImages;
  private readonly registry: RegistrySide | undefined;
  private readonly observer: ImageObserver | undefined;

  /** @param registry undefined: nothing but the configuration is asked */
  constructor(known: readonly KnownImage[], registry: RegistrySide | undefined, observer?: ImageObserver) {
    this.known = new KnownImages(known);
    this.registry = registry;
    this.observer = observer;
  }

  async lookUp(
    requests: ImageRequest[],
    namespace: string,
    pod: PodView,
    signal: AbortSignal,
  ): Promise<Map<string, ImageAnswer>> {
    const asker = this.registry?.askerOf(namespace, pod);
    const answers = requests.map(async (request): Promise<[string, ImageAnswer]> => {
      return [request.container, await this.answer(request, asker, pod, signal)];
    });
    return new Map(await Promise.all(answers));
  }

  private async answer(
    request: ImageRequest,
    asker: Asker | undefined,
    pod: PodView,
    signal: AbortSignal,
  ): Promise<ImageAnswer> {
    let reference: ImageReference;
    try {
      reference = parseReference(request.image);
    } catch (error) {
      if (!(error instanceof BadReference)) throw error;
      return refusal(request, 'image-unusable', `its image is no image reference: ${error.message}`);
    }
    const known = this.known.find(reference);
    if (known !== undefined) return { ok: true, config: known };
    const side = this.registry;
    if (side === undefined || asker === undefined) return lookupIsOff(request);
    const { registry } = reference;
    if (side.hosts.length > 0 && !side.hosts.some((host) => hostFits(host, registry)))
      return refusal(
        request,
        'image-lookup-off',
        `registry ${registry} is not among those that are asked (images.hosts)`,
      );
    const began = performance.now();
    const observe = (result: FoundBy | ImageFailure) =>
      this.observer?.lookedUp(registry, result, (performance.now() - began) / 1000);
    let found: Found;
    try {
      found = await side.finder.find(reference, asker, policyOf(request, reference, pod), signal);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      observe(error.reason);
      const way = error.reason === 'image-unauthorized' ? `${side.wayIn(registry)}, or set` : undefined;
      return refusal(request, error.reason, `its image: ${error.message}`, way);
    }
    observe(found.by);
    return chosen(request, found.content, machinesOf(pod.spec, side.machines), side.machines);
  }
}

/** The command on each machine that the pod can land on. */
function chosen(
  request: ImageRequest,
  content: ImageContent,
  machines: readonly Machine[],
  all: readonly Machine[],
): ImageAnswer {
  const refuse = (why: string) => refusal(request, 'image-unusable', why);
  if (machines.length === 0)
    return refuse(
      `its pod's node selector or affinity leaves none of the machines that there are (${all.join(', ')})`,
    );
  const offered = machines.filter((machine) => content.has(machine));
  const [config, ...others] = offered.flatMap((machine) => content.get(machine) ?? []);
  if (config === undefined) return refuse(`its image is not built for ${machines.join(' or ')}`);
  if (others.every((other) => isDeepStrictEqual(other, config))) return { ok: true, config };
  // The kubelet sends one signal, and the webhook writes down one.
  if (others.some(({ stopSignal }) => stopSignal !== config.stopSignal))
    return refusal(
      request,
      'image-unusable',
      `its image has another STOPSIGNAL on ${offered.join(' than on ')}`,
      `pin the pod with nodeSelector kubernetes.io/arch: ${offered[0]}, or set`,
    );
  return { ok: true, config, byMachine: new Map(offered.flatMap((machine) => entryOf(content, machine))) };
}

function entryOf(content: ImageContent, machine: Machine): [Machine, ImageConfig][] {
  const config = content.get(machine);
  return config === undefined ? [] : [[machine, config]];
}

/** As the API server fills it in: `latest` is always pulled. */
function policyOf({ container }: ImageRequest, { tag, digest }: ImageReference, pod: PodView): PullPolicy {
  const raw = pod.containers.find(({ name }) => name === container)?.raw;
  const said = raw && member(raw, 'imagePullPolicy');
  if (said === 'Always' || said === 'IfNotPresent' || said === 'Never') return said;
  return tag === 'latest' && digest === undefined ? 'Always' : 'IfNotPresent';
}

function refusal({ container }: ImageRequest, reason: ImageFailure, why: string, way = 'set'): ImageAnswer {
  const key = containerKey(ENTRYPOINT, container);
  const message = `container ${container} sets no command, and ${why}: ${way} its command, or the annotation ${key}: '["/program"]'`;
  return { ok: false, reason, message };
}
