/** `curfew audit`: what Curfew does, or would do, with every pod and pod template of a cluster, and which pods hang. Pure. */

import type { Policy } from '../decision/policy.ts';
import { INJECTION_ENABLED, INJECTION_LABEL } from '../decision/vocabulary.ts';
import { type ManifestPod, podsOf } from '../manifest/pods.ts';
import { isRecord, type JsonRecord } from '../shared/json.ts';
import { hangOf, unclearSidecars } from './hanging.ts';
import { type Judgement, judge, rolesOf, wouldChange } from './judgement.ts';
import {
  type NamespaceLabel,
  namespaceLabel,
  notWrappedBecause,
  policyUnder,
  wrongLabel,
} from './not-wrapped.ts';
import { type Owner, ownerOf, type PodFacts, part, podFacts, records, text } from './pod-facts.ts';
import { add, NOTHING, type Requests } from './requests.ts';
import { wrongKeys, wrongKeysOfNamespace } from './wrong-place.ts';

/**
 * What a pod is. `wrapped`: under the shim. `native`: its sidecars are native ones. `passed`: neither, and a label changes nothing.
 * `waits`: neither, and the webhook would wrap it. `refused`: the webhook would refuse it.
 */
export type Treatment = 'wrapped' | 'native' | 'passed' | 'waits' | 'refused';

/** The pods of one maker that are treated alike. */
export interface Row {
  namespace: string;
  kind: string;
  name: string;
  /** Those that run; 0 for a template without any. */
  pods: number;
  treatment: Treatment;
  /** The decision's reason. */
  reason: string;
  message: string;
  warnings: readonly string[];
}

/** A pod whose work is done and which does not end. */
export interface HangingPod {
  namespace: string;
  pod: string;
  owner: Owner | undefined;
  /** Milliseconds since 1970. */
  since: number | undefined;
  mains: readonly { name: string; code: number }[];
  sidecars: readonly string[];
  /** False where only the name or only the image of its sidecar is known. */
  certain: boolean;
  holds: Requests;
  because: readonly string[];
  write: readonly string[];
}

/** Counts of one namespace; of pods that run. */
export interface NamespaceCounts {
  label: NamespaceLabel;
  pods: number;
  treatments: Record<Treatment, number>;
  hanging: number;
  /** Templates that the webhook would wrap once there is a label. */
  templates: number;
}

export interface AuditReport {
  namespaces: ReadonlyMap<string, NamespaceCounts>;
  rows: readonly Row[];
  hanging: readonly HangingPod[];
  /** Pods of which one container ended 0 and another runs on that nobody knows. */
  unclear: readonly { namespace: string; pod: string; containers: readonly string[] }[];
  /** Keys in a wrong place, wrong values: a sentence each. */
  wrong: readonly { where: string; what: string }[];
  /** What hangs keeps this from others. */
  held: Requests;
}

/** Takes objects one at a time, and keeps of each what the report needs. */
export class Audit {
  private readonly policy: Policy;
  private readonly now: number;
  private readonly namespaces = new Map<string, NamespaceCounts>();
  private readonly rows = new Map<string, Row>();
  private readonly hanging: HangingPod[] = [];
  private readonly unclear: { namespace: string; pod: string; containers: readonly string[] }[] = [];
  private readonly wrong = new Map<string, { where: string; what: string }>();
  /** The CronJobs of Jobs, by `namespace/job`. */
  private readonly cronJobs = new Map<string, string>();

  /** @param now milliseconds since 1970 */
  constructor(policy: Policy, now: number) {
    this.policy = policy;
    this.now = now;
  }

  namespace(namespace: JsonRecord): void {
    const name = text(part(namespace, 'metadata'), 'name');
    const label = namespaceLabel(namespace);
    this.countsOf(name).label = label;
    const where = `namespace ${name}`;
    if (label.kind === 'wrong')
      this.complain(where, `${wrongLabel(label.value)}: ${INJECTION_LABEL}=${INJECTION_ENABLED}`);
    for (const what of wrongKeysOfNamespace(namespace)) this.complain(where, what);
  }

  /** An object with a pod template. */
  workload(apiVersion: string, kind: string, value: JsonRecord): void {
    const [object] = podsOf({ path: [], apiVersion, kind, value }, new Map());
    if (object === undefined) return;
    const owner = ownerOf(part(value, 'metadata'));
    if (kind === 'Job' && owner?.kind === 'CronJob')
      this.cronJobs.set(`${object.namespace}/${object.name}`, owner.name);
    // Its maker's template says the same, and what has ended changes no more.
    if (owner !== undefined || (kind === 'Job' && hasEnded(value))) return;
    const where = `${object.namespace}/${kind} ${object.name}`;
    for (const what of wrongKeys(object)) this.complain(where, what);
    const counts = this.countsOf(object.namespace);
    const judgement = judge(object.pod, policyUnder(counts.label, this.policy));
    const treatment = treatmentOf(judgement, false);
    if (treatment === 'waits' && counts.label.kind !== 'on') counts.templates++;
    this.row(object.namespace, { kind, name: object.name }, treatment, judgement, 0);
  }

  pod(raw: JsonRecord): void {
    const pod = podFacts(raw);
    if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return;
    const { namespace, name } = pod;
    const counts = this.countsOf(namespace);
    const judgement = judge(raw, policyUnder(counts.label, this.policy));
    const isNative = pod.containers.some(({ place }) => place === 'native');
    const treatment = pod.wrapped ? 'wrapped' : pod.converted ? 'native' : treatmentOf(judgement, isNative);
    counts.pods++;
    counts.treatments[treatment]++;
    const maker = this.makerOf(raw, pod.owner, namespace);
    this.row(namespace, maker ?? { kind: 'Pod', name }, treatment, asItRuns(pod, judgement), 1);
    if (maker === undefined) {
      const own: ManifestPod = {
        path: [],
        template: '',
        kind: 'Pod',
        name,
        namespace,
        pod: raw,
        owner: undefined,
        jobTemplate: undefined,
        around: {},
      };
      for (const what of wrongKeys(own)) this.complain(`${namespace}/Pod ${name}`, what);
    }
    const roles = rolesOf(pod, this.policy);
    const hang = hangOf(pod, roles, this.now);
    if (hang !== undefined) {
      counts.hanging++;
      const template = maker === undefined ? 'the pod' : `the pod template of ${maker.kind} ${maker.name}`;
      const why = pod.wrapped
        ? { because: ['the shim should have stopped it: curfew why tells more'], write: [] }
        : notWrappedBecause(judgement, counts.label, { namespace, template, sidecars: hang.sidecars });
      this.hanging.push({ namespace, pod: name, owner: maker, ...hang, holds: pod.holds, ...why });
      return;
    }
    const containers = unclearSidecars(pod, roles);
    if (containers !== undefined) this.unclear.push({ namespace, pod: name, containers });
  }

  report(): AuditReport {
    const oldest = (one: HangingPod, other: HangingPod) => (one.since ?? 0) - (other.since ?? 0);
    return {
      namespaces: new Map([...this.namespaces].sort(([one], [other]) => (one < other ? -1 : 1))),
      rows: [...this.rows.values()],
      hanging: this.hanging.toSorted(oldest),
      unclear: this.unclear,
      wrong: [...this.wrong.values()],
      held: this.hanging.reduce((sum, { holds }) => add(sum, holds), NOTHING),
    };
  }

  private countsOf(namespace: string): NamespaceCounts {
    let counts = this.namespaces.get(namespace);
    if (counts === undefined) {
      const treatments = { wrapped: 0, native: 0, passed: 0, waits: 0, refused: 0 };
      counts = { label: { kind: 'unknown' }, pods: 0, treatments, hanging: 0, templates: 0 };
      this.namespaces.set(namespace, counts);
    }
    return counts;
  }

  /** The object that a person has written. */
  private makerOf(raw: JsonRecord, owner: Owner | undefined, namespace: string): Owner | undefined {
    if (owner?.kind === 'Job') {
      const name = this.cronJobs.get(`${namespace}/${owner.name}`);
      return name === undefined ? owner : { kind: 'CronJob', name };
    }
    if (owner?.kind !== 'ReplicaSet') return owner;
    const hash = part(part(raw, 'metadata'), 'labels')['pod-template-hash'];
    return typeof hash === 'string' && owner.name.endsWith(`-${hash}`)
      ? { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) }
      : owner;
  }

  private row(
    namespace: string,
    { kind, name }: Owner,
    treatment: Treatment,
    judgement: Judgement,
    pods: number,
  ): void {
    const { reason, message, warnings } = judgement;
    const key = `${namespace} ${kind} ${name} ${treatment} ${reason}`;
    const row = this.rows.get(key);
    if (row !== undefined) row.pods += pods;
    else this.rows.set(key, { namespace, kind, name, pods, treatment, reason, message, warnings });
  }

  private complain(where: string, what: string): void {
    this.wrong.set(`${where} ${what}`, { where, what });
  }
}

/** Of a pod that Curfew has changed, another review says only what this version would write. */
function asItRuns({ wrapped, converted }: PodFacts, judgement: Judgement): Judgement {
  if (wrapped)
    return { ...judgement, reason: 'already-wrapped', message: 'Its containers run under the shim.' };
  if (converted)
    return { ...judgement, reason: 'already-converted', message: 'Its sidecars were made native.' };
  return judgement;
}

function treatmentOf(judgement: Judgement, isNative: boolean): Treatment {
  if (judgement.outcome === 'refused') return 'refused';
  if (wouldChange(judgement)) return 'waits';
  return isNative || judgement.reason === 'native-sidecar' ? 'native' : 'passed';
}

function hasEnded(job: JsonRecord): boolean {
  return records(part(job, 'status'), 'conditions').some(
    (one) =>
      isRecord(one) && text(one, 'status') === 'True' && /^(?:Complete|Failed)$/.test(text(one, 'type')),
  );
}
