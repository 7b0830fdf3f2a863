/** Labels and annotations that their author meant for Curfew, and that Curfew never sees. Pure. */
import { meantKey } from '../decision/meant-key.ts';
import { INJECT_LABEL, INJECTION_LABEL, isOurs } from '../decision/vocabulary.ts';
import { misplacedKeys } from '../manifest/oversight.ts';
import type { ManifestPod } from '../manifest/pods.ts';
import type { JsonRecord } from '../shared/json.ts';
import { quote } from '../shared/wording.ts';
import { part, records, text } from './pod-facts.ts';

type Field = 'labels' | 'annotations';

/** Of one object; a person mends the first and sees the next. */
const MOST = 8;

/** @returns a sentence for each key that stands wrong on a pod, or on an object that makes pods */
export function wrongKeys(object: ManifestPod): string[] {
  const { owner, pod, kind } = object;
  const containers = records(part(pod, 'spec'), 'containers').map((one) => text(one, 'name'));
  const ofPod = part(pod, 'metadata');
  const places: [string, JsonRecord][] = [[owner === undefined ? `the ${kind}` : 'the pod template', ofPod]];
  if (owner !== undefined) places.push([`the ${kind} itself`, owner]);
  const ofNamespace = places.flatMap(([place, metadata]) =>
    keysOf(metadata)
      .filter(({ key }) => key === INJECTION_LABEL)
      .map(
        ({ field }) =>
          `${word(field)} ${INJECTION_LABEL} of ${place} means nothing: it is a label of the namespace`,
      ),
  );
  const elsewhere =
    owner === undefined ? [] : misplacedKeys({ ...object, owner: without(owner, INJECTION_LABEL) });
  const unprefixed = places.flatMap(([place, metadata]) =>
    keysOf(metadata).flatMap(({ field, key }) => {
      const meant = meantKey(key, containers);
      return meant === undefined
        ? []
        : [`${word(field)} ${shown(key)} of ${place} means nothing to Curfew: ${meant} was meant, perhaps`];
    }),
  );
  const inLabels = keysOf(ofPod).flatMap(({ field, key }) => swapped(field, key));
  return [...ofNamespace, ...elsewhere, ...unprefixed, ...inLabels].slice(0, MOST);
}

/** What stands wrong on a namespace; its label's value is judged elsewhere. */
export function wrongKeysOfNamespace(namespace: JsonRecord): string[] {
  return keysOf(part(namespace, 'metadata'))
    .flatMap(({ field, key }) => {
      if (key === INJECTION_LABEL)
        return field === 'labels' ? [] : [`annotation ${INJECTION_LABEL} means nothing: it must be a label`];
      if (isOurs(key))
        return [
          `${word(field)} ${shown(key)} of the namespace means nothing: it belongs to the pods (of the namespace only label ${INJECTION_LABEL} is read)`,
        ];
      const meant = meantKey(key, []);
      return meant === undefined
        ? []
        : [`${word(field)} ${shown(key)} means nothing to Curfew: ${meant} was meant, perhaps`];
    })
    .slice(0, MOST);
}

/** An annotation among the labels, or the label among the annotations, which the webhook refuses where it is called. */
function swapped(field: Field, key: string): string[] {
  if (key === INJECT_LABEL && field === 'annotations')
    return [`annotation ${INJECT_LABEL} means nothing: it must be a label`];
  if (key !== INJECT_LABEL && key !== INJECTION_LABEL && isOurs(key) && field === 'labels')
    return [`label ${shown(key)} means nothing: it must be an annotation`];
  return [];
}

function keysOf(metadata: JsonRecord): { field: Field; key: string }[] {
  return (['labels', 'annotations'] as const).flatMap((field) =>
    Object.keys(part(metadata, field)).map((key) => ({ field, key })),
  );
}

function without(metadata: JsonRecord, key: string): JsonRecord {
  const fields = (['labels', 'annotations'] as const).map((field) => [
    field,
    Object.fromEntries(Object.entries(part(metadata, field)).filter(([name]) => name !== key)),
  ]);
  return { ...metadata, ...Object.fromEntries(fields) };
}

function word(field: Field): string {
  return field === 'labels' ? 'label' : 'annotation';
}

function shown(key: string): string {
  return /^[\w./-]{1,120}$/.test(key) ? key : quote(key, 100);
}
