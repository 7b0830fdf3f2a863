/** A recipe's objects as they are applied to the test's cluster: what it lacks is replaced, and nothing else. */
import type { KubernetesObject, V1PodSpec } from '@kubernetes/client-node';
import { z } from 'zod';
import { isRecord } from '../../../webhook/shared/json.ts';

const OBJECT = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});

/** Where each kind of a recipe keeps its pod's spec. */
const SPECS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};
const SPEC = z.custom<V1PodSpec>((value) => isRecord(value) && Array.isArray(value.containers));
/** CronJob is v1beta1 before this. */
const CRONJOB_V1_FROM = 21;

/** The pod's spec in an object; undefined where it makes no pod. It is the object's own, not a copy. */
export function podSpecOf(object: unknown): V1PodSpec | undefined {
  const { kind } = OBJECT.parse(object);
  const path = SPECS[kind];
  if (path === undefined) return undefined;
  const found = path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), object);
  return SPEC.parse(found);
}

/**
 * What is created for one object of a manifest.
 * @param minor the cluster's version: 20 for 1.20
 * @returns the service account that the pod names, where it names one, and the object
 */
export function applied(object: unknown, minor: number): KubernetesObject[] {
  const copy = structuredClone(object);
  const parsed = OBJECT.parse(copy);
  const spec = podSpecOf(parsed);
  if (parsed.kind === 'CronJob' && minor < CRONJOB_V1_FROM) parsed.apiVersion = 'batch/v1beta1';
  if (spec === undefined) return [parsed];
  // The cluster has no DNS, and no driver for the bucket.
  spec.dnsPolicy = 'Default';
  for (const volume of spec.volumes ?? [])
    if (volume.csi !== undefined) {
      delete volume.csi;
      volume.emptyDir = {};
    }
  const account = spec.serviceAccountName;
  return [...(account === undefined ? [] : [serviceAccount(account)]), parsed];
}

function serviceAccount(name: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
}
