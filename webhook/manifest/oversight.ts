/** What people overlook in manifests: our keys where Curfew never looks, a field that is missing, and files without any pod. Pure. */

import { INSTALL_CONTAINER, isOurs } from '../decision/vocabulary.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { quote } from '../shared/wording.ts';
import {
  ALL,
  type ManifestObject,
  type ManifestPod,
  NO_TEMPLATES,
  nameOf,
  podTemplatePath,
  TEMPLATE_KINDS,
} from './pods.ts';

/** Of each sort; a person mends the first and sees the next. */
const MOST = 5;

/**
 * Labels and annotations of ours that stand where Curfew never looks.
 * @returns a sentence for each
 */
export function misplacedKeys({ owner, jobTemplate = {}, template, kind }: ManifestPod): string[] {
  if (owner === undefined) return [];
  const places = [
    { metadata: owner, what: `the ${kind} itself` },
    { metadata: jobTemplate, what: 'the Job template' },
  ];
  return places
    .flatMap(({ metadata, what }) => ourKeys(metadata).map((found) => ({ ...found, what })))
    .map(
      ({ field, key, what }) =>
        `${field === 'labels' ? 'label' : 'annotation'} ${shown(key)} of ${what} ` +
        `means nothing, it belongs to the pods: write it into ${template}.metadata.${field}`,
    )
    .slice(0, MOST);
}

/** The API server refuses such a Job, whose policy would be Always. */
export function hasNoRestartPolicy(made: ManifestPod): boolean {
  const spec = member(made.pod, 'spec');
  return isOfJob(made) && isRecord(spec) && !member(spec, 'restartPolicy');
}

export const RESTART_POLICY_MISSING =
  'restartPolicy is missing, and the API server refuses a Job without it: write restartPolicy: Never or OnFailure into the pod template';

/**
 * That one restart of a node is more than a wrapped Job's backoffLimit allows: under OnFailure the Job controller counts the restarts of all
 * containers, and with them that of our init container in the new sandbox (kubernetes: job_controller.go, pastBackoffLimitOnFailure).
 * @returns undefined where it is not, and where the limit allows no restart at all
 */
export function smallBackoffLimit(made: ManifestPod): string | undefined {
  const spec = member(made.pod, 'spec');
  const limit = member(made.around, 'backoffLimit');
  if (!isOfJob(made) || !isRecord(spec) || member(spec, 'restartPolicy') !== 'OnFailure') return undefined;
  const own = [...namesIn(spec, 'initContainers'), ...namesIn(spec, 'containers')];
  const counted = own.filter((name) => name !== INSTALL_CONTAINER).length + 1;
  if (typeof limit !== 'number' || limit < 1 || limit > counted) return undefined;
  return (
    `a restart of the node counts ${counted} of the Job's backoffLimit, which is ${limit}: one for each container, and one for ` +
    `${INSTALL_CONTAINER}; the Job fails then: write backoffLimit: ${counted + 1} or more`
  );
}

/**
 * A rule of a Job's podFailurePolicy that a native sidecar's exit code may match, because it looks at all containers (N4).
 * @returns undefined where there is none
 */
export function ruleForAllContainers(made: ManifestPod): string | undefined {
  const policy = isOfJob(made) ? member(made.around, 'podFailurePolicy') : undefined;
  const rules = isRecord(policy) ? member(policy, 'rules') : undefined;
  const index = (Array.isArray(rules) ? rules : []).findIndex((rule) => {
    const codes = isRecord(rule) ? member(rule, 'onExitCodes') : undefined;
    return isRecord(codes) && member(codes, 'containerName') === undefined;
  });
  if (index < 0) return undefined;
  return (
    `podFailurePolicy.rules[${index}] looks at the exit codes of all containers, and a native sidecar that was told to leave keeps its own: ` +
    'write containerName with the main into onExitCodes'
  );
}

function isOfJob({ kind, owner }: ManifestPod): boolean {
  return owner !== undefined && (kind === 'Job' || kind === 'CronJob');
}

function namesIn(spec: JsonRecord, key: string): unknown[] {
  const list = member(spec, key);
  return Array.isArray(list) ? list.map((item) => (isRecord(item) ? member(item, 'name') : undefined)) : [];
}

/** How deep our keys are looked for in an object of a kind that is not known. */
const DEEPEST = 12;

/**
 * That an object of a kind that is not known bears our keys, so that its author may think it is wrapped.
 * @returns undefined where it bears none
 */
export function unknownKind({ apiVersion, kind, value }: ManifestObject): string | undefined {
  const [found] = keysWithin(value, [], DEEPEST);
  if (found === undefined) return undefined;
  const { path, key } = found;
  // Of a namespace the label means something.
  if (kind === 'Namespace' && apiVersion === 'v1') return undefined;
  // A list's items are all alike.
  const steps = path.slice(0, -1).map((step) => (/^\d+$/.test(step) ? ALL : step));
  const template = path.at(-1) === 'metadata' ? steps.join('.') : 'PATH';
  return (
    `${kind}/${nameOf(member(value, 'metadata'))}: it bears ${shown(key)} (${path.join('.')}), but where a ${kind} of ${apiVersion} ` +
    'keeps its pods is not known here, and it stays as it is. The webhook wraps its pods when they are made; ' +
    `to wrap them here, name the template: --pod-template=${kind}:${template === '' ? 'PATH' : template}`
  );
}

function* keysWithin(
  value: unknown,
  path: readonly string[],
  depth: number,
): Generator<{ path: readonly string[]; key: string }> {
  if (depth === 0 || typeof value !== 'object' || value === null) return;
  if (isRecord(value)) for (const { key } of ourKeys(value)) yield { path, key };
  for (const [key, inner] of Object.entries(value)) yield* keysWithin(inner, [...path, key], depth - 1);
}

function ourKeys(metadata: JsonRecord): { field: 'labels' | 'annotations'; key: string }[] {
  return (['labels', 'annotations'] as const).flatMap((field) => {
    const map = member(metadata, field);
    const keys = Object.keys(isRecord(map) ? map : {}).filter(isOurs);
    return keys.map((key) => ({ field, key }));
  });
}

function shown(key: string): string {
  return /^[\w./-]{1,120}$/.test(key) ? key : quote(key);
}

/**
 * Why there is no pod, for a person who thought that there is.
 * @param objects those that were found
 */
export function whyNoPod(objects: readonly Pick<ManifestObject, 'apiVersion' | 'kind'>[]): string {
  const looked = `pods are looked for in ${TEMPLATE_KINDS.join(', ')} and List`;
  if (objects.length === 0)
    return `There is no pod in it, nor any other Kubernetes object (with apiVersion and kind); ${looked}.`;
  const names = [...new Set(objects.map(nameOfKind))];
  const more = names.length > MOST ? ', ...' : '';
  return `There is no pod in it, but ${names.slice(0, MOST).join(', ')}${more}; ${looked}.`;
}

function nameOfKind({ apiVersion, kind }: Pick<ManifestObject, 'apiVersion' | 'kind'>): string {
  const template =
    podTemplatePath(apiVersion, kind, NO_TEMPLATES) === undefined ? '' : ' without a pod template';
  return `${apiVersion.slice(0, 100)} ${kind.slice(0, 100)}${template}`;
}
