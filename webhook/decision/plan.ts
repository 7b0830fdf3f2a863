import { isRecord, member } from '../shared/json.ts';
import { findClash } from './clash.ts';
import { parseContainer } from './container.ts';
import type { Decision } from './decide.ts';
import { besideEntrypoint, type EarlierRun } from './earlier-run.ts';
import { type CommandSources, needsImage } from './entrypoint.ts';
import type { ImageRequest } from './images.ts';
import { NotWrapped, refuseOrPass } from './mutation.ts';
import type { PlannedPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { findRestartLoop } from './restart-loop.ts';
import type { Part } from './roles.ts';
import { startupGate } from './startup-gate.ts';

/** A pod that can be wrapped as soon as its images are known. */
export interface Plan {
  pod: PodView;
  earlier: EarlierRun;
  decision: Decision;
  /** In the order of spec.containers. */
  parts: readonly PlannedPart[];
}

/**
 * Read the details of every container, and check all that needs no image: a pod that cannot be wrapped asks no registry.
 * @throws {ShapeError}
 */
export function planPod(pod: PodView, earlier: EarlierRun, decision: Decision): Plan | NotWrapped {
  const parts: PlannedPart[] = [];
  for (const part of decision.parts) {
    const sources = sourcesOf(part, earlier, decision);
    if (sources instanceof NotWrapped) return sources;
    parts.push(planPart(part, sources, earlier, decision));
  }
  const trouble = findRestartLoop(pod, parts) ?? findClash(pod, parts, earlier.touched);
  if (trouble !== undefined) return refuseOrPass(decision.wishes.asks, trouble);
  return { pod, earlier, decision, parts };
}

function planPart(
  part: Part,
  sources: CommandSources,
  { startupProbes }: EarlierRun,
  { sidecars }: Decision,
): PlannedPart {
  const { name, index, raw: present } = part.container;
  // As its author wrote it, whatever an earlier run put in the startup probe's place.
  const raw = startupProbes.has(name) ? { ...present, startupProbe: startupProbes.get(name) } : present;
  const details = parseContainer(index, raw);
  const waitsFor = part.role === 'main' ? sidecars : sidecars.slice(0, sidecars.indexOf(name));
  const own = member(raw, 'startupProbe');
  return {
    ...part,
    details,
    sources,
    waitsFor,
    gate: waitsFor.length > 0 ? startupGate(name, raw, details) : undefined,
    ownStartupProbe: isRecord(own) ? own : undefined,
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
