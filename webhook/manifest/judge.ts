/** What would happen to one pod of a manifest, and what its author should know of it. */
import type { ImageAnswer, ImageLookup } from '../decision/images.ts';
import { prepare } from '../decision/mutate.ts';
import type { Mutation } from '../decision/mutation.ts';
import type { PodView } from '../decision/pod.ts';
import type { Policy } from '../decision/policy.ts';
import { containerKey, ENTRYPOINT } from '../decision/vocabulary.ts';
import {
  hasNoRestartPolicy,
  misplacedKeys,
  RESTART_POLICY_MISSING,
  ruleForAllContainers,
  smallBackoffLimit,
} from './oversight.ts';
import type { ManifestPod } from './pods.ts';

/** What became of one pod of a stream. */
export interface Verdict {
  document: number;
  pod: ManifestPod;
  mutation: Mutation;
  /** Containers whose command nobody knows, all of them: a sentence for each, and one that says how to look them up. */
  unknownCommands: string[];
}

/** How long a pod's images may be looked up; each has a deadline of its own besides (`images.timeout`). */
const LOOK_UP_MS = 60_000;

const NO_ANSWERS: ReadonlyMap<string, ImageAnswer> = new Map();

/**
 * Decide about a pod as the webhook would.
 * @param document its number
 */
export async function judge(
  document: number,
  pod: ManifestPod,
  { policy, images }: { policy: Policy; images: ImageLookup },
): Promise<Verdict> {
  const prepared = prepare(pod.pod, policy);
  const answers =
    prepared.pod === undefined || prepared.images.length === 0
      ? NO_ANSWERS
      : await images.lookUp(prepared.images, pod.namespace, prepared.pod, AbortSignal.timeout(LOOK_UP_MS));
  const mutation = prepared.mutate(answers);
  const isMissing = hasNoRestartPolicy(pod);
  const isWrapped = mutation.outcome === 'wrapped' || mutation.reason === 'already-wrapped';
  const limit = isWrapped ? smallBackoffLimit(pod) : undefined;
  const policyRule = mutation.mode === 'native' ? ruleForAllContainers(pod) : undefined;
  const warnings = [
    ...mutation.warnings,
    ...misplacedKeys(pod),
    ...(isMissing ? [RESTART_POLICY_MISSING] : []),
    ...(limit === undefined ? [] : [limit]),
    ...(policyRule === undefined ? [] : [policyRule]),
  ];
  // Not "Always", which nobody wrote.
  const message =
    isMissing && mutation.reason === 'restart-policy-always'
      ? `The pod has no restartPolicy.`
      : mutation.message;
  return {
    document,
    pod,
    mutation: { ...mutation, message, warnings },
    unknownCommands: unknownCommands(prepared, answers),
  };
}

function unknownCommands(
  { pod, images }: Pick<ReturnType<typeof prepare>, 'pod' | 'images'>,
  answers: ReadonlyMap<string, ImageAnswer>,
): string[] {
  const unknown = images.filter(({ container }) => !isKnown(pod, container, answers.get(container)));
  const [first] = unknown;
  if (first === undefined) return [];
  return [
    ...unknown.map(
      ({ container, image }) =>
        `the command of container ${container} is not known: write its command, or annotation ` +
        `${containerKey(ENTRYPOINT, container)}: '["/program"]' with what image ${image} runs`,
    ),
    `to look an image up: docker pull ${first.image} && docker image inspect --format ` +
      `'{{json .Config.Entrypoint}} {{json .Config.Cmd}}' ${first.image}`,
  ];
}

/** An image may be found and say nothing. */
function isKnown(pod: PodView | undefined, name: string, answer: ImageAnswer | undefined): boolean {
  if (answer === undefined || !answer.ok) return false;
  const { entrypoint, cmd } = answer.config;
  const args = pod?.containers.find((container) => container.name === name)?.args;
  return entrypoint.length + (args ?? cmd).length > 0;
}
