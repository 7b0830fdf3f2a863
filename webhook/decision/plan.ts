import { findClash } from './clash.ts';
import { parseContainer } from './container.ts';
import { type Decision, findNoShim } from './decide.ts';
import { besideEntrypoint, type EarlierRun } from './earlier-run.ts';
import { type CommandSources, needsImage } from './entrypoint.ts';
import { findListedTrouble, orderContainers, startOrder } from './hook-order.ts';
import type { ImageRequest } from './images.ts';
import { NotWrapped, refuseOrPass } from './mutation.ts';
import type { PlannedPart, ReadPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { findRestartLoop } from './restart-loop.ts';
import type { Part } from './roles.ts';
import { startupGate } from './startup-gate.ts';

/** A pod that can be wrapped as soon as its images are known. */
export interface Plan {
  pod: PodView;
  earlier: EarlierRun;
  decision: Decision;
  /** In the author's order of spec.containers. */
  parts: readonly PlannedPart[];
  /** The order in which spec.containers must stand: names. */
  order: readonly string[];
  /** Why it is the shim, where the mode itself does not say it. */
  why: string | undefined;
}

/**
 * Read the details of every container, and check all that needs no image: a pod that cannot be wrapped asks no registry.
 * @param why half a sentence: why it is the shim, where the mode itself does not say it
 * @throws {ShapeError}
 */
export function planPod(
  pod: PodView,
  earlier: EarlierRun,
  decision: Decision,
  why?: string,
): Plan | NotWrapped {
  const noShim = findNoShim(pod);
  if (noShim !== undefined) return noShim;
  const read: ReadPart[] = [];
  for (const part of decision.parts) {
    const sources = sourcesOf(part, earlier, decision);
    if (sources instanceof NotWrapped) return sources;
    read.push(readPart(part, sources, earlier));
  }
  const isListed = decision.wishes.sidecars !== undefined;
  const sidecars = isListed ? decision.sidecars : startOrder(read, decision.sidecars);
  const trouble =
    findRestartLoop(pod, read) ??
    findClash(pod, read, earlier.touched) ??
    (isListed ? findListedTrouble(read, sidecars) : undefined);
  if (trouble !== undefined) return refuseOrPass(decision.wishes.asks, trouble);
  return {
    pod,
    earlier,
    decision: { ...decision, sidecars },
    parts: read.map((part) => planPart(part, sidecars)),
    order: orderContainers(read, sidecars),
    why,
  };
}

function readPart(part: Part, sources: CommandSources, { startupProbes }: EarlierRun): ReadPart {
  const { name, index, raw: present } = part.container;
  const raw = startupProbes.has(name) ? { ...present, startupProbe: startupProbes.get(name) } : present;
  return { ...part, sources, authored: raw, details: parseContainer(index, raw) };
}

function planPart(part: ReadPart, sidecars: readonly string[]): PlannedPart {
  const { role, authored, details } = part;
  const { name } = part.container;
  const waitsFor = role === 'main' ? sidecars : sidecars.slice(0, sidecars.indexOf(name));
  return {
    ...part,
    waitsFor,
    gate: waitsFor.length > 0 ? startupGate(name, authored, details) : undefined,
  };
}

/** The images without which a container's command is not known. */
export function imagesOf({ parts }: Plan): ImageRequest[] {
  return parts.flatMap(({ container: { name, image }, sources }) =>
    image && needsImage(sources) ? [{ container: name, image }] : [],
  );
}

function sourcesOf(
  { container, known }: Part,
  earlier: EarlierRun,
  { wishes }: Decision,
): CommandSources | NotWrapped {
  const { name } = container;
  const wish = wishes.containers.get(name)?.entrypoint;
  const original = earlier.originals.get(name) ?? { command: container.command, args: container.args };
  if (wish === undefined || !earlier.changed.has(name)) return { name, original, wish, known };
  const changed = besideEntrypoint(name, original, wish);
  return changed instanceof NotWrapped ? changed : { name, original: changed, wish, known };
}
