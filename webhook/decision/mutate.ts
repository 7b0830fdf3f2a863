/**
 * A pod's way through the decision: it is parsed once, then each step takes what the step before it gave. A step that
 * finds a reason not to wrap the pod returns {@link NotWrapped}.
 */
import { ShapeError } from '../shared/json.ts';
import { type Operation, patched } from '../shared/operations.ts';
import { boundWarnings, brief } from '../shared/wording.ts';
import { decide } from './decide.ts';
import { type EarlierRun, findEarlierRun } from './earlier-run.ts';
import type { ImageAnswer, ImageRequest } from './images.ts';
import { warnOfNoexec } from './mount-options.ts';
import { type Mutation, NotWrapped, pass, type Reason, sentence } from './mutation.ts';
import { chooseMechanism } from './native/choose.ts';
import { convertPod, type NativePlan } from './native/convert.ts';
import { type Conversion, findConversion } from './native/record.ts';
import { wrapOperations } from './patch.ts';
import { imagesOf, type Plan, planPod } from './plan.ts';
import { type PodView, parsePod } from './pod.ts';
import type { Policy } from './policy.ts';
import { mayBeNative } from './requested-mode.ts';
import { unwrapOperations } from './unwrap.ts';
import { warnOfChangedMeaning, warnOfNames } from './warnings.ts';
import { wrap } from './wrap.ts';

export type { MutatedContainer, Mutation, Reason } from './mutation.ts';
export { REASONS } from './mutation.ts';

/** A pod for which everything is decided that needs no image. */
interface Prepared {
  /** The pod as it was parsed; undefined where it has not the shape of one. */
  pod: PodView | undefined;
  /** The images that must be looked up first; empty when none is, and always without {@link pod}. */
  images: ImageRequest[];
  /** Decide and write the patch. @param images answers, by the container's name */
  mutate(images: ReadonlyMap<string, ImageAnswer>): Mutation;
}

/**
 * Parse a pod and decide everything that needs no image. The pod must not change before {@link Prepared.mutate}.
 * @param pod any JSON value
 */
export function prepare(pod: unknown, policy: Policy): Prepared {
  try {
    return preparePod(parsePod(pod), policy);
  } catch (error) {
    // The API server checks the same after the webhooks, and its message is better.
    if (!(error instanceof ShapeError)) throw error;
    return settled(undefined, notWrapped(pass('invalid-pod', sentence(error.message))));
  }
}

/**
 * Decide about a pod and write the patch. Pure; never throws, whatever JSON value it gets.
 * @param pod any JSON value
 * @param images answers to {@link Prepared.images}, by the container's name
 * @example
 * mutate(pod, defaultPolicy(), new Map()).operations
 */
export function mutate(pod: unknown, policy: Policy, images: ReadonlyMap<string, ImageAnswer>): Mutation {
  return prepare(pod, policy).mutate(images);
}

/** All that a pod's shape can make fail is read here. @throws {ShapeError} */
function preparePod(view: PodView, policy: Policy): Prepared {
  const conversion = findConversion(view);
  const authored = conversion?.authored ?? view;
  const earlier = findEarlierRun(authored);
  if (earlier instanceof NotWrapped) return settled(view, notWrapped(earlier));
  const pod = { ...authored, containers: earlier.containers };
  const restored = (mutation: Mutation) => afterUndo(conversion, mutation);
  const decision = decide(pod, policy);
  if (decision instanceof NotWrapped) return settled(pod, restored(notWrapped(decision, pod, earlier)));
  const bare = mayBeNative(pod, policy) ? withoutShim(pod, earlier) : { pod, unwrap: [] };
  const bareDecision = bare.unwrap.length === 0 ? decision : decide(bare.pod, policy);
  const choice =
    bareDecision instanceof NotWrapped ? bareDecision : chooseMechanism(bare.pod, bareDecision, policy);
  if (choice instanceof NotWrapped) return settled(pod, restored(notWrapped(choice, pod, earlier)));
  const native = (plan: NativePlan) => {
    const mutation = convertPod({ view, conversion, ...bare, why: choice.why }, plan, policy);
    return mutation instanceof NotWrapped ? restored(notWrapped(mutation, pod, earlier)) : mutation;
  };
  if (choice.mechanism === 'native') return settled(pod, native(choice.plan));
  const { otherwise, why } = choice;
  const shim = (mutation: Mutation) => {
    if (otherwise !== undefined && !HAS_SHIM.has(mutation.reason)) return native(otherwise);
    const wasNative = conversion !== undefined && mutation.reason === 'wrapped';
    const reason = wasNative ? 'wrapped-again' : mutation.reason;
    return restored({ ...mutation, reason, mode: 'shim', ...(why === undefined ? {} : { modeWhy: why }) });
  };
  const plan = planPod(pod, earlier, decision, why);
  if (plan instanceof NotWrapped) return settled(pod, shim(notWrapped(plan, pod, earlier)));
  return { pod, images: imagesOf(plan), mutate: (images) => shim(wrapped(plan, policy, images)) };
}

/** Reasons of a pod that runs the shim. */
const HAS_SHIM: ReadonlySet<Reason> = new Set<Reason>(['wrapped', 'wrapped-again', 'already-wrapped']);

/** The pod without the shim of an earlier run. @throws {ShapeError} */
function withoutShim(pod: PodView, earlier: EarlierRun): { pod: PodView; unwrap: Operation[] } {
  const unwrap = unwrapOperations(pod, earlier);
  if (unwrap.length === 0) return { pod, unwrap };
  return { pod: parsePod(patched(pod.raw, unwrap)), unwrap };
}

/** An earlier conversion is taken back before anything else is done to the pod; one that is refused is not stored. */
function afterUndo(conversion: Conversion | undefined, mutation: Mutation): Mutation {
  if (conversion === undefined || mutation.outcome === 'refused' || mutation.reason === 'mirror-pod')
    return mutation;
  return { ...mutation, operations: [...conversion.undo, ...mutation.operations] };
}

function settled(pod: PodView | undefined, mutation: Mutation): Prepared {
  return { pod, images: [], mutate: () => mutation };
}

function wrapped(plan: Plan, policy: Policy, images: ReadonlyMap<string, ImageAnswer>): Mutation {
  const { pod, earlier, decision } = plan;
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(`Curfew: ${text}`);
  warnOfNames(pod, decision, policy.catalogue, warn);
  const desired = wrap(plan, policy, images, warn);
  if (desired instanceof NotWrapped) return notWrapped(desired, pod, earlier);
  warnOfChangedMeaning(plan, warn);
  warnOfNoexec(plan, warn);
  const operations = wrapOperations(plan, desired);
  const already = earlier.touched && operations.length === 0;
  const anew = earlier.touched ? 'wrapped-again' : 'wrapped';
  const { mains, sidecars } = decision;
  return {
    outcome: already ? 'unchanged' : 'wrapped',
    reason: already ? 'already-wrapped' : anew,
    message: `${already ? 'Already wrapped' : 'Wrapped'}; mains: ${brief(mains)}; sidecars in start order: ${brief(sidecars)}.`,
    operations,
    warnings: boundWarnings(warnings),
    containers: desired.report,
  };
}

/** A pod that passes loses what an earlier run wrote into it; a refused one is not stored. */
function notWrapped(verdict: NotWrapped, pod?: PodView, earlier?: EarlierRun): Mutation {
  const { outcome, reason, message, warning } = verdict;
  // A mirror pod only shows what a node runs already: the API server takes no change of it.
  const isUndone =
    outcome === 'unchanged' && reason !== 'mirror-pod' && pod !== undefined && earlier !== undefined;
  return {
    outcome,
    reason,
    message,
    operations: isUndone ? unwrapOperations(pod, earlier) : [],
    warnings: warning === undefined ? [] : boundWarnings([`Curfew: ${warning}`]),
    containers: [],
  };
}
