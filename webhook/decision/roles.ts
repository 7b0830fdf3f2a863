import { recordAt } from '../shared/json.ts';
import { shownKey } from './annotation-keys.ts';
import { noSuchContainer, type Wishes } from './annotations.ts';
import { DEFAULT_ORDER, type KnownSidecar, knownSidecar } from './known-sidecar.ts';
import { meantKey } from './meant-key.ts';
import { type NotWrapped, pass, refuse } from './mutation.ts';
import { findNearMisses, nearMissMessage } from './near-miss.ts';
import type { ContainerView, PodView } from './pod.ts';
import { MAINS, SIDECARS } from './vocabulary.ts';

/** A container and its role in the pod. */
export interface Part {
  container: ContainerView;
  role: 'main' | 'sidecar';
  /** Set for a sidecar that the catalogue knows. */
  known: KnownSidecar | undefined;
  /** The rule that decided the role. */
  why: string;
}

export interface Roles {
  /** In the order of spec.containers. */
  parts: readonly Part[];
  /** Names, in the order of spec.containers. */
  mains: readonly string[];
  /** Names, in start order. */
  sidecars: readonly string[];
}

/** Which containers are mains and which are sidecars: by annotation (V1), else by the catalogue (V2). */
export function chooseRoles(
  pod: PodView,
  wishes: Wishes,
  catalogue: readonly KnownSidecar[],
): Roles | NotWrapped {
  const { sidecars, mains } = wishes;
  if (sidecars !== undefined && mains !== undefined)
    return refuse({
      reason: 'sidecars-and-mains',
      message: `annotations ${SIDECARS} and ${MAINS} exclude each other: keep one, for example ${SIDECARS}: ${sidecars.join(', ').slice(0, 100)}`,
    });
  if (sidecars !== undefined) return bySidecars(pod, sidecars, catalogue);
  if (mains !== undefined) return byMains(pod, mains, catalogue);
  return byCatalogue(pod, wishes.asks, catalogue);
}

function bySidecars(
  pod: PodView,
  listed: readonly string[],
  catalogue: readonly KnownSidecar[],
): Roles | NotWrapped {
  const names = listed.filter((name) => !isNative(pod, name));
  if (names.length === 0) return nativeAlready(listed);
  for (const name of names)
    if (!pod.containers.some((container) => container.name === name))
      return noSuchContainer(pod, SIDECARS, name);
  if (names.length === pod.containers.length)
    return refuse({
      reason: 'no-main',
      message: `annotation ${SIDECARS} lists every container: leave out those whose end is the end of the work, or list them in ${MAINS}`,
    });
  return assign(pod, names, catalogue, {
    main: `not listed in annotation ${SIDECARS}`,
    sidecar: `listed in annotation ${SIDECARS}`,
  });
}

function byMains(
  pod: PodView,
  mains: readonly string[],
  catalogue: readonly KnownSidecar[],
): Roles | NotWrapped {
  for (const name of mains)
    if (!pod.containers.some((container) => container.name === name))
      return noSuchContainer(pod, MAINS, name);
  // In the catalogue's order, not the spec's: a proxy that a mesh puts last is the network of the others, and answers their
  // probes (Istio).
  const names = inStartOrder(
    pod.containers
      .filter(({ name }) => !mains.includes(name))
      .map(({ name, image }) => ({ name, known: knownSidecar(catalogue, name, image) })),
  );
  // Not a mistake: another webhook may add the sidecar later, and then this one is asked again (W3).
  if (names.length === 0)
    return pass('no-sidecar', `annotation ${MAINS} lists every container: there is no sidecar to end.`);
  return assign(pod, names, catalogue, {
    main: `listed in annotation ${MAINS}`,
    sidecar: `not listed in annotation ${MAINS}`,
  });
}

function byCatalogue(pod: PodView, asks: boolean, catalogue: readonly KnownSidecar[]): Roles | NotWrapped {
  const found = pod.containers.flatMap(({ name, image }) => {
    const known = knownSidecar(catalogue, name, image);
    return known === undefined ? [] : [{ name, known }];
  });
  if (found.length === 0) return noKnownSidecar(pod, asks, catalogue);
  if (found.length === pod.containers.length) {
    const message = `Every container is a known sidecar: write ${MAINS} with those whose end is the end of the work.`;
    return asks ? refuse({ reason: 'no-main', message }) : pass('no-main', message);
  }
  return assign(pod, inStartOrder(found), catalogue, {
    main: 'not in the catalogue of known sidecars',
    sidecar: 'in the catalogue of known sidecars, by name and image',
  });
}

function noKnownSidecar(pod: PodView, asks: boolean, catalogue: readonly KnownSidecar[]): NotWrapped {
  const near = findNearMisses(pod, catalogue);
  if (near !== undefined) {
    const text = nearMissMessage(near);
    return pass('near-miss', `Nothing is wrapped: ${text}.`, `nothing is wrapped: ${text}`);
  }
  const native = pod.initContainers.find(
    (init) => init.native && knownSidecar(catalogue, init.name, init.image) !== undefined,
  );
  if (native !== undefined) return nativeAlready([native.name]);
  const meant = unprefixedKey(pod);
  const message = `No container is a known sidecar, and no annotation ${SIDECARS} or ${MAINS} names one`;
  if (meant !== undefined)
    return pass('no-known-sidecar', `${message}; ${meant}.`, `nothing is wrapped: ${meant}`);
  return pass(
    'no-known-sidecar',
    `${message}.`,
    asks ? `no container is a known sidecar, so nothing is wrapped; name yours in ${SIDECARS}` : undefined,
  );
}

/** An annotation or a label that is ours but for its prefix, as a clause. */
function unprefixedKey({ raw, containers }: PodView): string | undefined {
  const names = containers.map(({ name }) => name);
  const metadata = recordAt(raw, 'metadata', 'the pod') ?? {};
  for (const [field, word] of [
    ['annotations', 'annotation'],
    ['labels', 'label'],
  ] as const)
    for (const key of Object.keys(recordAt(metadata, field, 'metadata') ?? {})) {
      const meant = meantKey(key, names);
      if (meant !== undefined)
        return `${word} ${shownKey(key)} means nothing to Curfew: ${meant} was meant, perhaps`;
    }
  return undefined;
}

/** By the catalogue's order; equal orders as they stand in the spec, because the sort is stable. */
function inStartOrder(found: readonly { name: string; known: KnownSidecar | undefined }[]): string[] {
  return found
    .map(({ name, known }) => ({ name, order: known?.order ?? DEFAULT_ORDER }))
    .sort((a, b) => a.order - b.order)
    .map(({ name }) => name);
}

function assign(
  pod: PodView,
  sidecars: readonly string[],
  catalogue: readonly KnownSidecar[],
  why: Readonly<Record<Part['role'], string>>,
): Roles {
  const chosen = new Set(sidecars);
  const parts = pod.containers.map((container): Part => {
    const { name, image } = container;
    return chosen.has(name)
      ? { container, role: 'sidecar', known: knownSidecar(catalogue, name, image), why: why.sidecar }
      : { container, role: 'main', known: undefined, why: why.main };
  });
  const mains = parts.filter(({ role }) => role === 'main').map(({ container }) => container.name);
  return { parts, mains, sidecars };
}

function isNative(pod: PodView, name: string): boolean {
  return pod.initContainers.some((init) => init.native && init.name === name);
}

function nativeAlready(names: readonly string[]): NotWrapped {
  return pass(
    'native-sidecar',
    `Kubernetes itself ends ${names.slice(0, 4).join(', ')}: an init container with restartPolicy Always.`,
  );
}
