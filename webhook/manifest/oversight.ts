/** What people overlook in manifests: our keys on an object that makes pods instead of on its pods, and files without any pod. Pure. */

import { isOurs } from '../decision/vocabulary.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { quote } from '../shared/wording.ts';
import { type ManifestPod, podTemplatePath, TEMPLATE_KINDS } from './manifest.ts';

/** Of each sort; a person mends the first and sees the next. */
const MOST = 5;

/**
 * Labels and annotations of ours that stand where Curfew never looks.
 * @returns a sentence for each
 */
export function misplacedKeys({ owner, path, kind }: ManifestPod): string[] {
  if (owner === undefined) return [];
  const template = path.slice(path.findLastIndex((step) => typeof step === 'number') + 1).join('.');
  return (['labels', 'annotations'] as const)
    .flatMap((field) => {
      const map = member(owner, field);
      return Object.keys(isRecord(map) ? map : {})
        .filter(isOurs)
        .map(
          (key) =>
            `${field === 'labels' ? 'label' : 'annotation'} ${/^[\w./-]{1,120}$/.test(key) ? key : quote(key)} of the ${kind} itself ` +
            `means nothing, it belongs to the pods: write it into ${template}.metadata.${field}`,
        );
    })
    .slice(0, MOST);
}

/**
 * Why there is no pod, for a person who thought that there is.
 * @param values the documents of all files
 */
export function whyNoPod(values: readonly unknown[]): string {
  const objects = values.flatMap(objectsIn);
  const looked = `pods are looked for in ${TEMPLATE_KINDS.join(', ')} and List`;
  if (objects.length === 0)
    return `There is no pod in it, nor any other Kubernetes object (with apiVersion and kind); ${looked}.`;
  const names = [...new Set(objects.map(nameOf))];
  const more = names.length > MOST ? ', ...' : '';
  return `There is no pod in it, but ${names.slice(0, MOST).join(', ')}${more}; ${looked}.`;
}

function objectsIn(value: unknown): JsonRecord[] {
  if (!isRecord(value) || typeof value.kind !== 'string' || typeof value.apiVersion !== 'string') return [];
  return value.kind === 'List' && Array.isArray(value.items) ? value.items.flatMap(objectsIn) : [value];
}

function nameOf({ apiVersion, kind }: JsonRecord): string {
  const [version, name] = [String(apiVersion), String(kind)];
  const template = podTemplatePath(version, name) === undefined ? '' : ' without a pod template';
  return `${version.slice(0, 100)} ${name.slice(0, 100)}${template}`;
}
