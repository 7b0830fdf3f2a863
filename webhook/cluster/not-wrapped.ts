/** Why a pod that nobody ends is not wrapped, and what to write. Pure. */
import { type Mode, parseMode } from '../decision/mode.ts';
import type { Policy } from '../decision/policy.ts';
import {
  INJECT_LABEL,
  INJECTION_AUDIT,
  INJECTION_ENABLED,
  INJECTION_LABEL,
  SIDECARS,
  VOCABULARY,
} from '../decision/vocabulary.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { type Judgement, wouldChange } from './judgement.ts';
import { brief, either } from './words.ts';

/** A namespace's label for Curfew. `audit`: nothing is changed. `unknown`: the namespace cannot be read. */
export type NamespaceLabel =
  | { kind: 'on'; value: string; mode: Mode | undefined }
  | { kind: 'audit'; value: string }
  | { kind: 'off' }
  | { kind: 'wrong'; value: string }
  | { kind: 'unknown' };

const VALUES = VOCABULARY.filter(({ where }) => where === 'namespace label').flatMap(
  ({ examples }) => examples,
);

/** @param namespace the object; undefined where it cannot be read */
export function namespaceLabel(namespace: JsonRecord | undefined): NamespaceLabel {
  if (namespace === undefined) return { kind: 'unknown' };
  const metadata = member(namespace, 'metadata');
  const labels = isRecord(metadata) ? member(metadata, 'labels') : undefined;
  const value = isRecord(labels) ? member(labels, INJECTION_LABEL) : undefined;
  if (typeof value !== 'string') return { kind: 'off' };
  if (value === INJECTION_AUDIT) return { kind: 'audit', value };
  return VALUES.includes(value) ? { kind: 'on', value, mode: parseMode(value) } : { kind: 'wrong', value };
}

/** How a namespace is opted in. */
export function labelCommand(namespace: string): string {
  return `kubectl label namespace ${namespace} ${INJECTION_LABEL}=${INJECTION_ENABLED}`;
}

/** What a wrong value of the namespace's label means and what to write. */
export function wrongLabel(value: string): string {
  return `label ${INJECTION_LABEL} is ${JSON.stringify(brief(value, 63))}, which means nothing; it is ${either(VALUES)}`;
}

/** The policy for a namespace's pods: with the mode that its label says (N1). */
export function policyUnder(label: NamespaceLabel, policy: Policy): Policy {
  return label.kind === 'on' && label.mode !== undefined ? { ...policy, mode: label.mode } : policy;
}

export interface NotWrappedBecause {
  /** Clauses. */
  because: string[];
  /** What to write for the pods to come. */
  write: string[];
}

/**
 * @param template where annotations belong, such as `the pod template of Job migrate`
 * @param sidecars the containers that nobody ends
 */
export function notWrappedBecause(
  judgement: Judgement,
  label: NamespaceLabel,
  { namespace, template, sidecars }: { namespace: string; template: string; sidecars: readonly string[] },
): NotWrappedBecause {
  const because: string[] = [];
  const write: string[] = [];
  if (label.kind === 'off') {
    because.push(`namespace ${namespace} has no label ${INJECTION_LABEL}`);
    write.push(labelCommand(namespace));
  } else if (label.kind === 'wrong') {
    because.push(`namespace ${namespace}: ${wrongLabel(label.value)}`);
    write.push(`${labelCommand(namespace)} --overwrite`);
  }
  if (label.kind === 'audit') {
    because.push(
      `label ${INJECTION_LABEL} of namespace ${namespace} is "${label.value}", which changes nothing`,
    );
    write.push(`${labelCommand(namespace)} --overwrite`);
  }
  const named = `annotation ${SIDECARS}: ${sidecars.join(', ')} into ${template}`;
  if (wouldChange(judgement)) {
    if (because.length === 0)
      because.push(
        label.kind === 'on'
          ? 'it was created before the label, or while the webhook did not answer, or its image could not be looked up'
          : `the webhook would wrap it where its namespace has label ${INJECTION_LABEL}`,
      );
    return { because, write };
  }
  switch (judgement.reason) {
    case 'opted-out':
      because.push(`label ${INJECT_LABEL} is "false"`);
      write.push(`no label ${INJECT_LABEL}: "false" in ${template}`);
      break;
    case 'no-known-sidecar':
    case 'native-sidecar':
      because.push(
        `${sidecars.join(', ')} ${sidecars.length === 1 ? 'is' : 'are'} not in the catalogue of known sidecars`,
      );
      write.push(named);
      break;
    case 'near-miss':
      because.push('the catalogue knows only the name or only the image');
      write.push(named);
      break;
    default:
      because.push(brief(judgement.message.replace(/\.$/, '')));
  }
  return { because, write };
}
