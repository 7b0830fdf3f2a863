/**
 * The kubelet creates the regular containers in the spec's order, each one only when the postStart hooks of those before it have ended
 * (kubernetes: kuberuntime_manager.go, SyncPod; kuberuntime_container.go, startContainer). So a hook that needs a container running
 * never ends where that container's shim waits for one that is created later.
 */
import type { Trouble } from './mutation.ts';
import type { ReadPart } from './planned-part.ts';
import { SIDECARS } from './vocabulary.ts';

/**
 * The start order where no annotation lists it. The first sidecar with a hook comes before all others, so that its process runs at
 * once, as without Curfew, and a hook that gives up early finds it. Each next one comes after the sidecars that stand in front of the
 * hook before it, because that hook may need them.
 * @param parts in the author's order
 * @param sidecars names in the catalogue's order
 */
export function startOrder(parts: readonly ReadPart[], sidecars: readonly string[]): readonly string[] {
  const hooks = parts.filter(({ role, details }) => role === 'sidecar' && details.hasWaitingHook);
  if (hooks.length === 0) return sidecars;
  const place = new Map(parts.map(({ container }, i) => [container.name, i]));
  let left = sidecars.filter((name) => !hooks.some(({ container }) => container.name === name));
  const order: string[] = [];
  hooks.forEach((hook, i) => {
    order.push(hook.container.name);
    if (i === hooks.length - 1) return;
    const isInFront = (name: string) => (place.get(name) ?? 0) < parts.indexOf(hook);
    order.push(...left.filter(isInFront));
    left = left.filter((name) => !isInFront(name));
  });
  return [...order, ...left];
}

/** A listed start order in which a sidecar with a hook comes after one that stands after it in the spec, with the order to write. */
export function findListedTrouble(
  parts: readonly ReadPart[],
  listed: readonly string[],
): Trouble | undefined {
  if (!parts.some(({ details }) => details.hasWaitingHook)) return undefined;
  const place = new Map(parts.map(({ container }, i) => [container.name, i]));
  const placeOf = (name: string) => place.get(name) ?? 0;
  const hasHook = (name: string) => parts[placeOf(name)]?.details.hasWaitingHook === true;
  const blocks = (name: string, other: string) => hasHook(name) && placeOf(name) < placeOf(other);
  const blocker = (name: string) => listed.slice(listed.indexOf(name)).find((other) => blocks(other, name));
  const late = listed.find((name) => blocker(name) !== undefined);
  if (late === undefined) return undefined;
  const right = new Set<string>();
  const put = (name: string) => {
    if (right.has(name)) return;
    for (const other of listed) if (blocks(other, name)) put(other);
    right.add(name);
  };
  listed.forEach(put);
  const hooked = blocker(late);
  return {
    reason: 'post-start-order',
    message:
      `annotation ${SIDECARS} starts ${late} before ${hooked}, but Kubernetes creates ${late} only when the postStart hook of ` +
      `${hooked} has ended: write ${SIDECARS}: ${[...right].join(', ')}`,
  };
}

/**
 * The order of spec.containers in which no hook waits for ever: in front of a container with a hook stands all that it, or a
 * container in front of it, waits for. Containers in front of a hook stay there, because the hook may need them. Where both cannot be,
 * only a main with a hook gets its sidecars in front.
 * @param parts in the author's order
 * @param sidecars names in start order
 * @returns names
 */
export function orderContainers(parts: readonly ReadPart[], sidecars: readonly string[]): string[] {
  if (!parts.some(({ details }) => details.hasWaitingHook))
    return parts.map(({ container }) => container.name);
  const placed = placeAll(parts, sidecars, true) ?? placeAll(parts, sidecars, false) ?? parts;
  return placed.map(({ container }) => container.name);
}

/** @param all false: only mains with a hook count. @returns undefined where two hooks would each have to come first */
function placeAll(
  parts: readonly ReadPart[],
  sidecars: readonly string[],
  all: boolean,
): ReadPart[] | undefined {
  const placed: ReadPart[] = [];
  for (const part of parts) {
    if (placed.includes(part)) continue;
    if (part.details.hasWaitingHook && (all || part.role === 'main')) {
      const awaited = awaitedByAll([...placed, part], sidecars);
      const missing = parts.filter(
        (other) => other !== part && awaited.includes(other.container.name) && !placed.includes(other),
      );
      if (all && missing.some(({ details }) => details.hasWaitingHook)) return undefined;
      placed.push(...missing);
    }
    placed.push(part);
  }
  return placed;
}

/** The sidecars that some of these containers wait for (L1, L2). */
function awaitedByAll(parts: readonly ReadPart[], sidecars: readonly string[]): readonly string[] {
  if (parts.some(({ role }) => role === 'main')) return sidecars;
  return sidecars.slice(0, Math.max(...parts.map(({ container }) => sidecars.indexOf(container.name))));
}

/**
 * A container that stands in front of this one's hook in the author's order and cannot run before the hook has ended, because it, or a
 * sidecar that it waits for, is created later.
 * @param order names, as {@link orderContainers} gives them
 */
export function heldBackByHook(
  part: ReadPart,
  parts: readonly ReadPart[],
  sidecars: readonly string[],
  order: readonly string[],
): ReadPart | undefined {
  if (!part.details.hasWaitingHook) return undefined;
  const created = order.slice(0, order.indexOf(part.container.name) + 1);
  const before = parts.slice(0, parts.indexOf(part));
  return before.find(
    (other) =>
      !created.includes(other.container.name) ||
      awaitedByAll([other], sidecars).some((name) => !created.includes(name)),
  );
}

/**
 * A container that stands in front of this native sidecar's hook in the author's order, and is created only when the hook has ended (N2): a
 * main, or a sidecar that starts later.
 * @param sidecars names in start order
 */
export function heldBackNatively(
  part: ReadPart,
  parts: readonly ReadPart[],
  sidecars: readonly string[],
): ReadPart | undefined {
  if (!part.details.hasWaitingHook) return undefined;
  const created = sidecars.slice(0, sidecars.indexOf(part.container.name));
  return parts.slice(0, parts.indexOf(part)).find(({ container }) => !created.includes(container.name));
}
