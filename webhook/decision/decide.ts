import type { Wishes } from './annotations.ts';
import { noSuchContainer } from './annotations.ts';
import { DEFAULT_ORDER, type KnownSidecar, knownSidecar } from './known-sidecar.ts';
import type { Reason } from './mutation.ts';
import type { ContainerView, PodView } from './pod.ts';
import { Refusal } from './refusal.ts';
import { MAINS, SIDECARS } from './vocabulary.ts';

/** A container and its part in the pod. */
export interface Part {
  container: ContainerView;
  role: 'main' | 'sidecar';
  /** Set where the catalogue knows it and it is a sidecar. */
  known: KnownSidecar | undefined;
  why: string;
}

export type Decision =
  | { wrap: false; reason: Reason; message: string }
  /** Parts in the order of spec.containers; sidecars' names in start order. */
  | { wrap: true; parts: readonly Part[]; mains: readonly string[]; sidecars: readonly string[] };

/**
 * Who is a main and who is a sidecar: by annotation (V1), else by the catalogue (V2).
 * @throws {Refusal}
 */
export function decide(pod: PodView, wishes: Wishes, catalogue: readonly KnownSidecar[]): Decision {
  if (wishes.sidecars !== undefined && wishes.mains !== undefined)
    throw new Refusal(
      'sidecars-and-mains',
      `annotations ${SIDECARS} and ${MAINS} exclude each other: keep one, for example ${SIDECARS}: ${wishes.sidecars.join(', ').slice(0, 100)}`,
    );
  if (wishes.sidecars !== undefined) return bySidecars(pod, wishes.sidecars, catalogue);
  if (wishes.mains !== undefined) return byMains(pod, wishes.mains, catalogue);
  return byCatalogue(pod, catalogue);
}

function bySidecars(pod: PodView, listed: readonly string[], catalogue: readonly KnownSidecar[]): Decision {
  const names = listed.filter((name) => !isNative(pod, name));
  if (names.length === 0) return nativeAlready(listed);
  for (const name of names)
    if (!pod.containers.some((container) => container.name === name))
      throw noSuchContainer(pod, SIDECARS, name);
  if (names.length === pod.containers.length)
    throw new Refusal(
      'no-main',
      `annotation ${SIDECARS} lists every container: leave out those whose end is the end of the work, or list them in ${MAINS}`,
    );
  const chosen = new Set(names);
  return assign(pod, names, chosen, catalogue, {
    main: `not listed in annotation ${SIDECARS}`,
    sidecar: `listed in annotation ${SIDECARS}`,
  });
}

function byMains(pod: PodView, mains: readonly string[], catalogue: readonly KnownSidecar[]): Decision {
  for (const name of mains)
    if (!pod.containers.some((container) => container.name === name)) throw noSuchContainer(pod, MAINS, name);
  const chosen = new Set(mains);
  // In the spec's order, but what the catalogue knows in its own: a proxy that a mesh puts last is the network of the others, and
  // answers their probes (Istio).
  const names = pod.containers
    .filter(({ name }) => !chosen.has(name))
    .map(({ name, image }) => ({ name, order: knownSidecar(catalogue, name, image)?.order ?? DEFAULT_ORDER }))
    .sort((a, b) => a.order - b.order)
    .map(({ name }) => name);
  // Not a mistake: another webhook may add the sidecar later, and then this one is asked again (W3).
  if (names.length === 0)
    return {
      wrap: false,
      reason: 'no-sidecar',
      message: `annotation ${MAINS} lists every container: there is no sidecar to end.`,
    };
  return assign(pod, names, new Set(names), catalogue, {
    main: `listed in annotation ${MAINS}`,
    sidecar: `not listed in annotation ${MAINS}`,
  });
}

function byCatalogue(pod: PodView, catalogue: readonly KnownSidecar[]): Decision {
  const found: { name: string; order: number }[] = [];
  for (const { name, image } of pod.containers) {
    const known = knownSidecar(catalogue, name, image);
    if (known !== undefined) found.push({ name, order: known.order ?? DEFAULT_ORDER });
  }
  if (found.length === 0) {
    const native = pod.initContainers.find(
      (init) => init.native && knownSidecar(catalogue, init.name, init.image) !== undefined,
    );
    if (native !== undefined) return nativeAlready([native.name]);
    return {
      wrap: false,
      reason: 'no-known-sidecar',
      message: `No container is a known sidecar, and no annotation ${SIDECARS} or ${MAINS} names one.`,
    };
  }
  if (found.length === pod.containers.length)
    return {
      wrap: false,
      reason: 'no-main',
      message: `Every container is a known sidecar: write ${MAINS} with those whose end is the end of the work.`,
    };
  // sort is stable: equal orders start as they stand in the spec.
  const names = found.sort((a, b) => a.order - b.order).map(({ name }) => name);
  return assign(pod, names, new Set(names), catalogue, {
    main: 'not in the catalogue of known sidecars',
    sidecar: 'in the catalogue of known sidecars, by name and image',
  });
}

function assign(
  pod: PodView,
  sidecars: readonly string[],
  chosen: ReadonlySet<string>,
  catalogue: readonly KnownSidecar[],
  why: Readonly<Record<Part['role'], string>>,
): Decision {
  const mains: string[] = [];
  const parts = pod.containers.map((container): Part => {
    if (!chosen.has(container.name)) {
      mains.push(container.name);
      return { container, role: 'main', known: undefined, why: why.main };
    }
    return {
      container,
      role: 'sidecar',
      known: knownSidecar(catalogue, container.name, container.image),
      why: why.sidecar,
    };
  });
  return { wrap: true, parts, mains, sidecars };
}

function isNative(pod: PodView, name: string): boolean {
  return pod.initContainers.some((init) => init.native && init.name === name);
}

function nativeAlready(names: readonly string[]): Decision {
  return {
    wrap: false,
    reason: 'native-sidecar',
    message: `Kubernetes itself ends ${names.slice(0, 4).join(', ')}: an init container with restartPolicy Always.`,
  };
}
