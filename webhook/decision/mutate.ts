import { isFinal } from '../../shim/lifecycle.ts';
import { InvalidPod } from '../shared/json.ts';
import { boundWarnings, printable } from '../shared/wording.ts';
import { parseInjectLabel, parseWishes, type Wishes } from './annotations.ts';
import { findClash } from './clash.ts';
import { parseContainer } from './container.ts';
import { type Decision, decide, type Part } from './decide.ts';
import { besideEntrypoint, type EarlierRun, findEarlierRun } from './earlier-run.ts';
import { type CommandSources, needsImage, resolveCommand } from './entrypoint.ts';
import type { ImageAnswer, ImageRequest } from './images.ts';
import type { Mutation, Reason } from './mutation.ts';
import { unwrapOperations, wrapOperations } from './patch.ts';
import { MAX_CONTAINERS, type PodView, parsePod } from './pod.ts';
import type { Policy } from './policy.ts';
import { Refusal } from './refusal.ts';
import { isStatusTooLong } from './status.ts';
import { INJECT_LABEL, SIDECARS, STATUS } from './vocabulary.ts';
import { warnOfChangedMeaning, warnOfNames } from './warnings.ts';
import { desire, type Planned } from './wrap.ts';

export type { MutatedContainer, Mutation, Reason } from './mutation.ts';
export { REASONS } from './mutation.ts';

/** A pod that is to be wrapped, before its images are known. */
interface Wanted {
  wrap: true;
  wishes: Wishes;
  earlier: EarlierRun;
  decision: Extract<Decision, { wrap: true }>;
}

/** A pod that stays, or becomes again, as its author wrote it. */
interface Passed {
  wrap: false;
  earlier: EarlierRun;
  reason: Reason;
  message: string;
  warning?: string;
}

/** A pod that was read once; what remains waits for its images. */
export interface Prepared {
  /** Which images must be looked up first. Empty when none is. */
  images: ImageRequest[];
  /** Decide and write the patch. @param images answers, by the container's name */
  mutate(images: ReadonlyMap<string, ImageAnswer>): Mutation;
}

/**
 * Read a pod and decide all that needs no image: {@link imagesWanted} and {@link mutate} for the price of one. The pod must
 * not change before {@link Prepared.mutate}.
 * @param pod any JSON value
 */
export function prepare(pod: unknown, policy: Policy): Prepared {
  return guarded<Prepared>(
    () => {
      const view = parsePod(pod);
      const plan = consider(view, policy);
      return {
        images: plan.wrap ? imagesOf(plan) : [],
        mutate: (images) =>
          guarded(
            () => (plan.wrap ? wrap(view, plan, policy, images) : unchanged(view, plan)),
            (mutation) => mutation,
          ),
      };
    },
    (mutation) => ({ images: [], mutate: () => mutation }),
  );
}

/**
 * Which images must be looked up before {@link mutate} can decide. Empty when none is.
 * @param pod any JSON value
 */
export function imagesWanted(pod: unknown, policy: Policy): ImageRequest[] {
  return prepare(pod, policy).images;
}

/**
 * Decide about a pod and write the patch. Pure; never throws, whatever JSON value it gets.
 * @param pod any JSON value
 * @param images answers to {@link imagesWanted}, by the container's name
 * @example
 * mutate(pod, defaultPolicy(), new Map()).operations
 */
export function mutate(pod: unknown, policy: Policy, images: ReadonlyMap<string, ImageAnswer>): Mutation {
  return prepare(pod, policy).mutate(images);
}

/** Turn the two errors that are decisions into the mutation that says so. */
function guarded<T>(work: () => T, otherwise: (mutation: Mutation) => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return otherwise(verdict('refused', error.reason, sentence(error.message)));
    // The API server checks the same after the webhooks, and says it better.
    if (error instanceof InvalidPod)
      return otherwise(verdict('unchanged', 'invalid-pod', sentence(error.message)));
    throw error;
  }
}

function imagesOf(plan: Wanted): ImageRequest[] {
  return plan.decision.parts.flatMap((part) => {
    const { name, image } = part.container;
    return image && needsImage(sourcesOf(plan, part)) ? [{ container: name, image }] : [];
  });
}

/** The steps that need no image: who asks, who may, who is what. @throws {Refusal} */
function consider(pod: PodView, policy: Policy): Wanted | Passed {
  const earlier = findEarlierRun(pod);
  const pass = (reason: Reason, message: string): Passed => ({ wrap: false, earlier, reason, message });
  if (pod.mirror) return pass('mirror-pod', 'A mirror pod only shows what a node runs already.');
  if (pod.windows) return pass('windows', 'The shim runs on Linux.');
  const inject = parseInjectLabel(pod);
  if (inject === false) return pass('opted-out', `Label ${INJECT_LABEL} is "false".`);
  if (pod.restartPolicy === 'Always' && inject !== true && !hasWish(pod))
    return pass(
      'restart-policy-always',
      `restartPolicy is Always, so the pod is not meant to end; label ${INJECT_LABEL}: "true" wraps it all the same.`,
    );
  const wishes = parseWishes(pod, inject, policy.catalogue);
  if (pod.containers.length > MAX_CONTAINERS)
    return trouble(wishes, earlier, {
      reason: 'too-many-containers',
      message: `the pod has ${pod.containers.length} containers; Curfew wraps at most ${MAX_CONTAINERS}`,
    });
  const decision = decide(pod, wishes, policy.catalogue);
  if (decision.wrap) return { wrap: true, wishes, earlier, decision };
  const passed = pass(decision.reason, decision.message);
  if (!wishes.asks) return passed;
  if (decision.reason === 'no-main') throw new Refusal('no-main', decision.message);
  return decision.reason === 'no-known-sidecar'
    ? {
        ...passed,
        warning: `no container is a known sidecar, so nothing is wrapped; name yours in ${SIDECARS}`,
      }
    : passed;
}

function wrap(
  pod: PodView,
  plan: Wanted,
  policy: Policy,
  images: ReadonlyMap<string, ImageAnswer>,
): Mutation {
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(`Curfew: ${text}`);
  const { decision, earlier, wishes } = plan;
  warnOfNames(pod, decision, wishes, policy.catalogue, warn);
  const parts: Planned[] = [];
  for (const part of decision.parts) {
    const planned = planPart(plan, part, images.get(part.container.name));
    if ('reason' in planned) return unchanged(pod, trouble(wishes, earlier, planned));
    parts.push(planned);
  }
  const endless = findEndless(pod, parts);
  if (endless !== undefined) return unchanged(pod, trouble(wishes, earlier, neverEnds(endless)));
  const clash = findClash(pod, parts, earlier.touched);
  if (clash !== undefined) return unchanged(pod, trouble(wishes, earlier, clash));
  const desired = desire(pod, decision, parts, wishes, policy, warn);
  if (isStatusTooLong(pod, desired.status))
    return unchanged(
      pod,
      trouble(wishes, earlier, {
        reason: 'status-too-long',
        message: `the commands of the pod's containers are too long to be kept in annotation ${STATUS} (256 KiB with all others): move a long script into a ConfigMap`,
      }),
    );
  warnOfChangedMeaning(pod, parts, decision, wishes, warn);
  const operations = wrapOperations(pod, desired);
  const { mains, sidecars } = decision;
  const who = `mains: ${brief(mains)}; sidecars in start order: ${brief(sidecars)}.`;
  const already = earlier.touched && operations.length === 0;
  return {
    outcome: already ? 'unchanged' : 'wrapped',
    reason: already ? 'already-wrapped' : 'wrapped',
    message: `${already ? 'Already wrapped' : 'Wrapped'}; ${who}`,
    operations,
    warnings: boundWarnings(warnings),
    containers: desired.report,
  };
}

/**
 * A sidecar that exits 0, as one does when the work is done (L7), and that the kubelet starts again all the same. In a pod that is not
 * meant to end, where a main is started again for ever, the work is never done, and no sidecar exits so.
 */
function findEndless(pod: PodView, parts: readonly Planned[]): Planned | undefined {
  const policyOf = ({ details }: Planned) => details.restartPolicy ?? pod.restartPolicy;
  const isForEver = (part: Planned) => part.role === 'main' && policyOf(part) === 'Always';
  if (pod.restartPolicy === 'Always' && parts.some(isForEver)) return undefined;
  return parts.find((part) => part.role !== 'main' && !isFinal(policyOf(part), part.details.restartRules, 0));
}

function neverEnds({ container: { name }, details }: Planned): { reason: Reason; message: string } {
  const loop = 'so the kubelet would start it again for ever after the work is done';
  const inherits = details.restartPolicy === undefined && details.restartRules.length === 0;
  const field = details.restartPolicy === 'Always' ? 'restartPolicy: Always' : 'restartPolicyRules';
  return {
    reason: 'sidecar-never-ends',
    message: inherits
      ? `sidecar ${name} has the pod's restartPolicy: Always, ${loop}, for each main has a restartPolicy of its own and may end: give it restartPolicy: Never of its own; Curfew restarts sidecars itself`
      : `sidecar ${name} has ${field} of its own, ${loop}: remove it; Curfew restarts sidecars itself`,
  };
}

/** One part with its command and details. @returns why not, where nobody knows its command */
function planPart(
  plan: Wanted,
  part: Part,
  answer: ImageAnswer | undefined,
): Planned | { reason: Reason; message: string } {
  const sources = sourcesOf(plan, part);
  const command = resolveCommand(sources, answer);
  if (!command.ok) return command;
  const { ok: _, ...known } = command;
  return { ...part, details: parseContainer(part.container), original: sources.original, ...known };
}

/** @throws {Refusal} */
function sourcesOf({ earlier, wishes }: Wanted, { container, known }: Part): CommandSources {
  const { name } = container;
  const wish = wishes.containers.get(name)?.entrypoint;
  const original = earlier.originals.get(name) ?? { command: container.command, args: container.args };
  if (wish === undefined || !earlier.changed.has(name)) return { name, original, wish, known };
  return { name, original: besideEntrypoint(name, original, wish), wish, known };
}

/** W6: a pod that asks to be wrapped is refused when it cannot be; one that the catalogue picked passes with a warning. */
function trouble(
  wishes: Wishes,
  earlier: EarlierRun,
  { reason, message }: { reason: Reason; message: string },
): Passed {
  if (wishes.asks) throw new Refusal(reason, message);
  return { wrap: false, earlier, reason, message: sentence(message), warning: `not wrapped: ${message}` };
}

function unchanged(pod: PodView, { earlier, reason, message, warning }: Passed): Mutation {
  return {
    ...verdict('unchanged', reason, message),
    // A node shows what it runs already: the API server takes no change of that.
    operations: reason === 'mirror-pod' ? [] : unwrapOperations(pod, earlier),
    warnings: warning === undefined ? [] : boundWarnings([`Curfew: ${warning}`]),
  };
}

function verdict(outcome: Mutation['outcome'], reason: Reason, message: string): Mutation {
  return { outcome, reason, message, operations: [], warnings: [], containers: [] };
}

function hasWish(pod: PodView): boolean {
  return pod.ourAnnotations.size > (pod.ourAnnotations.has(STATUS) ? 1 : 0);
}

function sentence(text: string): string {
  const clean = printable(text);
  // The path of a field stays as it is written.
  const first = /^\w+[.[]/.test(clean) ? clean.charAt(0) : clean.charAt(0).toUpperCase();
  return `${first}${clean.slice(1)}${clean.endsWith('.') ? '' : '.'}`;
}

function brief(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, ...` : names.join(', ');
}
