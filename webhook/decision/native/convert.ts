/** Native mode (N2): the sidecars leave spec.containers and become init containers with restartPolicy Always. Nothing else of them changes. */

import { ShapeError } from '../../shared/json.ts';
import type { Operation } from '../../shared/operations.ts';
import { boundWarnings, brief } from '../../shared/wording.ts';
import { parseContainer } from '../container.ts';
import type { Decision } from '../decide.ts';
import { addedDefaultContainer, authorsDefaultContainer, DEFAULT_CONTAINER } from '../default-container.ts';
import { heldBackNatively, startOrder } from '../hook-order.ts';
import { type MutatedContainer, type Mutation, type NotWrapped, refuseOrPass } from '../mutation.ts';
import type { ReadPart } from '../planned-part.ts';
import type { PodView } from '../pod.ts';
import type { Policy } from '../policy.ts';
import { areAnnotationsTooLong } from '../status.ts';
import { STATUS } from '../vocabulary.ts';
import { warnOfCircle, warnOfNames } from '../warnings.ts';
import { type Layout, layoutOperations } from './layout.ts';
import { findIdle, findLosses, findNotAllowed } from './losses.ts';
import { type Conversion, formatNativeStatus, type NativeEntry } from './record.ts';
import { type NativeReadiness, nativeReadiness } from './startup-probe.ts';

/** A pod whose sidecars can become native ones. */
export interface NativePlan {
  /** The pod as its author wrote it. */
  pod: PodView;
  decision: Decision;
  /** In the author's order of spec.containers. */
  parts: readonly ReadPart[];
  /** By a sidecar's name. */
  readiness: ReadonlyMap<string, NativeReadiness>;
  /** What the pod uses and loses (N4); a sentence each. */
  losses: readonly string[];
}

/**
 * Read the details, and find what natively cannot be or is lost.
 * @param pod the pod as its author wrote it, without any trace of ours
 * @returns a refusal with the reason where a native sidecar cannot be what the pod has
 * @throws {ShapeError}
 */
export function planNative(pod: PodView, decision: Decision, policy: Policy): NativePlan | NotWrapped {
  const { wishes } = decision;
  const parts = decision.parts.map((part): ReadPart => {
    const { name, raw, index, command, args } = part.container;
    const original = { command, args };
    return {
      ...part,
      authored: raw,
      details: parseContainer(index, raw),
      sources: { name, original, wish: wishes.containers.get(name)?.entrypoint, known: part.known },
    };
  });
  for (const { container } of parts)
    if (pod.initContainers.some(({ name }) => name === container.name))
      throw new ShapeError(`spec.containers[${container.index}].name is the name of two containers`);
  const trouble = findNotAllowed(parts, policy.cluster.server);
  if (trouble !== undefined) return refuseOrPass(wishes.asks, trouble);
  const sidecars = wishes.sidecars === undefined ? startOrder(parts, decision.sidecars) : decision.sidecars;
  const readiness = new Map(
    parts
      .filter(({ role }) => role === 'sidecar')
      .map((part): [string, NativeReadiness] => {
        const { name } = part.container;
        const own = wishes.containers.get(name) ?? {};
        return [name, nativeReadiness(pod, part, wordsOf(part), own, decision.startTimeout)];
      }),
  );
  return {
    pod,
    decision: { ...decision, sidecars },
    parts,
    readiness,
    losses: [...findLosses(decision, parts), ...[...readiness.values()].flatMap(({ losses }) => losses)],
  };
}

/** A pod as earlier runs have left it. */
interface Present {
  /** As it stands. */
  view: PodView;
  /** What turned its sidecars into native ones before. */
  conversion: Conversion | undefined;
  /** As its author wrote it. */
  pod: PodView;
  /** The operations that take an earlier run's shim away, after what takes the conversion back. */
  unwrap: readonly Operation[];
  /** Why it is native: half a sentence; undefined where the mode itself says it. */
  why: string | undefined;
}

/** Write the patch. Where an earlier run made the sidecars native too, it holds only what differs now. */
export function convertPod(present: Present, plan: NativePlan, policy: Policy): Mutation | NotWrapped {
  const { view, conversion, unwrap, why } = present;
  const { pod, decision, parts } = plan;
  const { mains, sidecars } = decision;
  const layout = layoutOf(plan, policy, why);
  if (areAnnotationsTooLong(pod, layout.annotations))
    return refuseOrPass(decision.wishes.asks, {
      reason: 'status-too-long',
      message: `the pod's annotations leave no room for annotation ${STATUS} (256 KiB in all): make them shorter`,
    });
  const operations =
    unwrap.length === 0
      ? layoutOperations(view, layout)
      : [...(conversion?.undo ?? []), ...unwrap, ...layoutOperations(pod, layout)];
  const already = conversion !== undefined && operations.length === 0;
  const anew = conversion !== undefined || unwrap.length > 0 ? 'converted-again' : 'converted';
  return {
    outcome: already ? 'unchanged' : 'converted',
    reason: already ? 'already-converted' : anew,
    mode: 'native',
    ...(why === undefined ? {} : { modeWhy: why }),
    message: `${already ? 'Already native' : 'Made native'}; mains: ${brief(mains)}; sidecars in start order: ${brief(sidecars)}.`,
    operations,
    warnings: boundWarnings(warningsOf(plan, policy, conversion?.stripped ?? [])),
    containers: parts.map((part) => reported(part, plan)),
  };
}

function layoutOf(
  { pod, decision, parts, readiness }: NativePlan,
  policy: Policy,
  why: string | undefined,
): Layout {
  const { mains, sidecars, wishes } = decision;
  const inits = pod.initContainers.map(({ name }) => name);
  // Native sidecars of others that stand in front stay in front: an init container that uses ours may use theirs too.
  const ordinary = pod.initContainers.findIndex(({ native }) => !native);
  const place = wishes.beforeInit === true && ordinary >= 0 ? ordinary : inits.length;
  const members = new Map<string, Record<string, unknown>>();
  const entries = parts.map(({ role, container: { name }, details }): NativeEntry => {
    if (role === 'main') return { name, role };
    const startupProbe = readiness.get(name)?.startupProbe;
    // One of its author's own stays as it is. An earlier run's may stand where none is wanted now.
    members.set(name, { restartPolicy: 'Always', ...(details.hasStartupProbe ? {} : { startupProbe }) });
    const hadPolicy = details.restartPolicy === 'Always' ? ({ hadPolicy: true } as const) : {};
    return { name, role, startupProbe, ...hadPolicy };
  });
  const untouched = { defaultContainer: undefined };
  const defaultContainer = addedDefaultContainer(pod, untouched, mains);
  return {
    initContainers: [...inits.slice(0, place), ...sidecars, ...inits.slice(place)],
    containers: mains,
    members,
    annotations: {
      [DEFAULT_CONTAINER]: defaultContainer ?? authorsDefaultContainer(pod, untouched),
      [STATUS]: formatNativeStatus(policy.version, { why, containers: entries, defaultContainer }),
    },
  };
}

function warningsOf(
  { pod, decision, parts, losses }: NativePlan,
  policy: Policy,
  stripped: readonly string[],
): string[] {
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(`Curfew: ${text}`);
  for (const name of stripped)
    warn(
      `init container ${name}: another webhook dropped its restartPolicy, which is put back; likely that webhook's Kubernetes client is older than 1.28`,
    );
  warnOfNames(pod, decision, policy.catalogue, warn);
  for (const loss of [...losses, ...findIdle(decision)]) warn(loss);
  for (const part of parts) {
    if (part.role === 'main') continue;
    warnOfCircle(decision, parts, part, warn);
    const heldBack = heldBackNatively(part, parts, decision.sidecars)?.container.name;
    if (heldBack !== undefined)
      warn(
        `sidecar ${part.container.name}: its postStart hook has to end before container ${heldBack} is created, which stands in front of ` +
          `it: a hook that needs ${heldBack} running never ends`,
      );
  }
  return warnings;
}

function reported(part: ReadPart, { readiness }: NativePlan): MutatedContainer {
  const { name } = part.container;
  const ready = readiness.get(name)?.shown;
  return {
    name,
    role: part.role,
    command: wordsOf(part),
    ...(ready === undefined ? {} : { ready }),
    why: part.why,
  };
}

function wordsOf({ container: { command = [], args = [] } }: ReadPart): string[] {
  return [...command, ...args];
}
