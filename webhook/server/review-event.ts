/**
 * Which reviews are worth a Kubernetes Event, and what it says: core/v1, in the pod's own namespace.
 *
 * A refused pod never exists, and one that is passed over has no uid yet: the Event is about the pod's controller (Job, ReplicaSet, ...), where
 * `kubectl describe` shows it, or else about the pod by its name.
 */

import { type Mutation, REASONS, type Reason } from '../decision/mutation.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';

/** The object that an Event is about. */
interface Subject {
  apiVersion: string;
  kind: string;
  name: string;
}

/** A review's Event, without what {@link Occurrence} adds. */
export interface ReviewEvent {
  type: 'Normal' | 'Warning';
  reason: 'CurfewRefused' | 'CurfewPassedOver' | 'CurfewAudit' | 'CurfewSettingsWrong';
  /** The named reason of the decision. */
  cause: Reason;
  message: string;
  about: Subject;
}

/**
 * The Event's type for a pod that is passed over, by the reason. `hangs`: a Warning that says that the pod will not end, because a known sidecar
 * in it runs for ever. `warned`: an Event only where the decision has a warning, which it has for a pod that asked to be wrapped. Undefined: no
 * Event, because nobody asked, nothing is wrong, or another webhook may still add the sidecar (W3).
 */
const PASSED_OVER: Readonly<Record<Reason, ReviewEvent['type'] | 'hangs' | 'warned' | undefined>> = {
  wrapped: undefined,
  'wrapped-again': undefined,
  'already-wrapped': undefined,
  converted: undefined,
  'converted-again': undefined,
  'already-converted': undefined,
  'invalid-pod': undefined,
  'mirror-pod': undefined,
  windows: undefined,
  'opted-out': undefined,
  'restart-policy-always': undefined,
  'native-sidecar': undefined,
  'no-sidecar': undefined,
  'no-known-sidecar': 'warned',
  // Perhaps a Job that hangs: the message has the line to write.
  'near-miss': 'Warning',
  // A Job that runs a proxy alone may be on purpose.
  'no-main': 'Normal',
  // A sidecar is known.
  'no-shim-for-machine': 'hangs',
  'too-many-containers': 'hangs',
  'name-taken': 'hangs',
  'path-taken': 'hangs',
  'status-too-long': 'hangs',
  'sidecar-never-ends': 'hangs',
  'image-lookup-off': 'hangs',
  'image-not-found': 'hangs',
  'image-unauthorized': 'hangs',
  'image-unreachable': 'hangs',
  'image-timeout': 'hangs',
  'image-unusable': 'hangs',
  'no-command': 'hangs',
  'native-not-allowed': 'hangs',
  // Always refused.
  'native-unavailable': undefined,
  'needs-native': undefined,
  'bad-annotation': undefined,
  'bad-label': undefined,
  'unknown-annotation': undefined,
  'unknown-label': undefined,
  'sidecars-and-mains': undefined,
  'no-such-container': undefined,
  'post-start-order': undefined,
  'bad-settings': undefined,
  'bad-status': undefined,
  'half-wrapped': undefined,
};

/** The reasons for which a pod with a known sidecar is passed over, so that it will not end by itself. */
export const PASSED_OVER_TO_HANG: readonly Reason[] = REASONS.filter(
  (reason) => PASSED_OVER[reason] === 'hangs',
);

/** The API server's limit for a message (events.k8s.io, validation), in bytes. */
const MAX_MESSAGE = 1024;

/**
 * @param pod the pod of the review, any JSON value
 * @param name the pod's name; empty where the API server is still to make one
 * @returns undefined where no Event is due, or where there is no object that it can be about
 */
export function reviewEvent(mutation: Mutation, pod: unknown, name: string): ReviewEvent | undefined {
  const { outcome, reason: cause } = mutation;
  const type = eventType(mutation);
  if (type === undefined) return undefined;
  const about = subjectOf(pod, name);
  if (about === undefined) return undefined;
  const reason = outcome === 'refused' ? 'CurfewRefused' : 'CurfewPassedOver';
  const hangs = outcome === 'unchanged' && PASSED_OVER[cause] === 'hangs';
  const what = about.kind === 'Job' ? 'Job' : 'pod';
  const consequence = hangs ? `Not wrapped, so this ${what} will not end by itself. ` : '';
  return { type, reason, cause, message: eventMessage(`${consequence}${mutation.message}`), about };
}

/** As long as an Event's message may be. */
export function eventMessage(text: string): string {
  return cut(text, MAX_MESSAGE);
}

/** @returns undefined where no Event is due */
export function eventType({ outcome, reason, warnings }: Mutation): ReviewEvent['type'] | undefined {
  if (outcome === 'wrapped' || outcome === 'converted') return undefined;
  const rule = outcome === 'refused' ? 'Warning' : PASSED_OVER[reason];
  if (rule === 'hangs') return 'Warning';
  if (rule !== 'warned') return rule;
  return warnings.length > 0 ? 'Warning' : undefined;
}

/** One occurrence, or several: the fields that differ between two Events of a subject. */
export interface Occurrence {
  namespace: string;
  /** The subject's uid; undefined for a pod that does not exist yet. */
  uid: string | undefined;
  /** Reviews since the last Event of the same subject and reason. */
  count: number;
  first: Date;
  last: Date;
  /** Hexadecimal; tells the Event's name from those of other subjects, reasons and times. */
  nonce: string;
  /** The replica that writes it. */
  instance: string;
}

/** The Event as the API server takes it, without apiVersion and kind. */
export function eventObject(
  { type, reason, message, about }: ReviewEvent,
  { namespace, uid, count, first, last, nonce, instance }: Occurrence,
): JsonRecord {
  return {
    metadata: { name: `${about.name.slice(0, 200).replace(/[-.]+$/, '')}.${nonce}`, namespace },
    involvedObject: { ...about, namespace, ...(uid === undefined ? {} : { uid }) },
    type,
    reason,
    message,
    count,
    firstTimestamp: first.toISOString(),
    lastTimestamp: last.toISOString(),
    source: { component: 'curfew' },
    reportingComponent: 'curfew',
    reportingInstance: instance.slice(0, 128),
  };
}

/** The uid of the pod's controller, where it has one. */
export function controllerUid(pod: unknown): string | undefined {
  const controller = controllerOf(pod);
  return controller === undefined ? undefined : matching(controller, 'uid', /^[-0-9A-Za-z]{1,128}$/);
}

/** A DNS subdomain, which is what names of pods and of their controllers are. */
const NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;

/** The pod's controller as `Job/orders`, where it has one. */
export function ownerOf(pod: unknown): string | undefined {
  const controller = controllerOf(pod) && subjectOf(pod, '');
  return controller && `${controller.kind}/${controller.name}`;
}

/** The object that an Event about a pod is about: its controller, or else the pod by its name. */
export function subjectOf(pod: unknown, name: string): Subject | undefined {
  const controller = controllerOf(pod);
  if (controller === undefined) return NAME.test(name) ? { apiVersion: 'v1', kind: 'Pod', name } : undefined;
  const apiVersion = matching(controller, 'apiVersion', /^(?:[a-z0-9.-]{1,253}\/)?v[a-z0-9]{1,62}$/);
  const kind = matching(controller, 'kind', /^[A-Za-z][A-Za-z0-9]{0,62}$/);
  const owner = matching(controller, 'name', NAME);
  return apiVersion === undefined || kind === undefined || owner === undefined
    ? undefined
    : { apiVersion, kind, name: owner };
}

function controllerOf(pod: unknown): JsonRecord | undefined {
  const metadata = isRecord(pod) ? member(pod, 'metadata') : undefined;
  const owners = isRecord(metadata) ? member(metadata, 'ownerReferences') : undefined;
  const list: readonly unknown[] = Array.isArray(owners) ? owners : [];
  return list.filter(isRecord).find((owner) => member(owner, 'controller') === true);
}

function matching(record: JsonRecord, key: string, pattern: RegExp): string | undefined {
  const value = member(record, key);
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}

/** Cut to so many bytes of UTF-8, between two characters. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text)
    .subarray(0, bytes - 3)
    .toString('utf8');
  return `${kept.replace(/\ufffd$/, '')}...`;
}
