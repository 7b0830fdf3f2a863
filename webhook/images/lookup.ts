/** Finds the command of a container that sets none: in the configuration, else in the image's registry, else a reason for a refusal. */
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
import { RegistryError } from '../registry/error.ts';
import { matchesHost } from '../registry/host-pattern.ts';
import type { ImageContent } from '../registry/image-content.ts';
import { BadReference, type ImageReference, parseReference } from '../registry/image-reference.ts';
import { member } from '../shared/json.ts';
import type { Found, FoundBy, ImageFinder, PodCredentials, PullPolicy } from './finder.ts';
import { type KnownImage, KnownImages } from './known-images.ts';

/** Called after each look-up in a registry; `seconds` is how long it took. */
export interface ImageObserver {
  lookedUp(registry: string, result: FoundBy | ImageFailure, seconds: number): void;
}

/** The look-up in registries, and its settings. */
export interface RegistryLookup {
  finder: ImageFinder;
  /** The credentials that a pod may use. */
  credentialsOf(namespace: string, pod: PodView): PodCredentials;
  /** What the user can do when no credential may read an image, as a clause: `give it ...`. */
  credentialHint(registry: string): string;
  /** The only registries that get requests; empty: any. */
  hosts: readonly string[];
  /** The architectures of the cluster's nodes. */
  machines: readonly Machine[];
}

/** The images whose commands a namespace knows. */
export type KnownIn = (namespace: string) => KnownImages | undefined;

export class ConfiguredLookup implements ImageLookup {
  private readonly known: KnownImages;
  private readonly registry: RegistryLookup | undefined;
  private readonly observer: ImageObserver | undefined;
  private readonly knownIn: KnownIn | undefined;

  /**
   * @param registry undefined: the configuration alone is used
   * @param knownIn counts more than `known`
   */
  constructor(
    known: readonly KnownImage[],
    registry: RegistryLookup | undefined,
    { observer, knownIn }: { observer?: ImageObserver | undefined; knownIn?: KnownIn | undefined } = {},
  ) {
    this.known = new KnownImages(known);
    this.registry = registry;
    this.observer = observer;
    this.knownIn = knownIn;
  }

  async lookUp(
    requests: ImageRequest[],
    namespace: string,
    pod: PodView,
    signal: AbortSignal,
  ): Promise<Map<string, ImageAnswer>> {
    const credentials = this.registry?.credentialsOf(namespace, pod);
    const own = this.knownIn?.(namespace);
    const answers = requests.map(async (request): Promise<[string, ImageAnswer]> => {
      return [request.container, await this.answer(request, own, credentials, pod, signal)];
    });
    return new Map(await Promise.all(answers));
  }

  private async answer(
    request: ImageRequest,
    own: KnownImages | undefined,
    credentials: PodCredentials | undefined,
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
    const known = own?.find(reference) ?? this.known.find(reference);
    if (known !== undefined) return { ok: true, config: known };
    const lookup = this.registry;
    if (lookup === undefined || credentials === undefined) return lookupIsOff(request);
    const { registry } = reference;
    if (lookup.hosts.length > 0 && !lookup.hosts.some((host) => matchesHost(host, registry)))
      return refusal(
        request,
        'image-lookup-off',
        `registry ${registry} is not among those that the webhook's configuration lets it ask (images.hosts)`,
      );
    const began = performance.now();
    const observe = (result: FoundBy | ImageFailure) =>
      this.observer?.lookedUp(registry, result, (performance.now() - began) / 1000);
    let found: Found;
    try {
      found = await lookup.finder.find(reference, credentials, policyOf(request, reference, pod), signal);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      observe(error.reason);
      const way =
        error.reason === 'image-unauthorized' ? `${lookup.credentialHint(registry)}, or set` : undefined;
      return refusal(request, error.reason, `its image: ${error.message}`, way);
    }
    observe(found.by);
    return choose(request, found.content, machinesOf(pod.spec, lookup.machines), lookup.machines);
  }
}

/** The command on each machine that the pod can land on. */
function choose(
  request: ImageRequest,
  content: ImageContent,
  machines: readonly Machine[],
  all: readonly Machine[],
): ImageAnswer {
  const refuse = (why: string) => refusal(request, 'image-unusable', why);
  if (machines.length === 0)
    return refuse(
      `its pod's node selector or affinity allows none of the cluster's machines (${all.join(', ')})`,
    );
  const offered = machines.filter((machine) => content.has(machine));
  const [config, ...others] = offered.flatMap((machine) => content.get(machine) ?? []);
  if (config === undefined) return refuse(`its image is not built for ${machines.join(' or ')}`);
  if (others.every((other) => isDeepStrictEqual(other, config))) return { ok: true, config };
  // A pod spec holds one stop signal for all machines.
  if (others.some(({ stopSignal }) => stopSignal !== config.stopSignal))
    return refusal(
      request,
      'image-unusable',
      `its image has another STOPSIGNAL on ${offered.join(' than on ')}`,
      `pin the pod with nodeSelector kubernetes.io/arch: ${offered[0]}, or set`,
    );
  return {
    ok: true,
    config,
    byMachine: new Map(offered.flatMap((machine) => machineEntry(content, machine))),
  };
}

function machineEntry(content: ImageContent, machine: Machine): [Machine, ImageConfig][] {
  const config = content.get(machine);
  return config === undefined ? [] : [[machine, config]];
}

/** The container's imagePullPolicy, or the API server's default: Always for the tag `latest`, else IfNotPresent. */
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
