import type { Operation } from 'fast-json-patch';

/** Why a pod was wrapped, left alone or refused: a label of logs and metrics, so the list is closed. */
export const REASONS = [
  'wrapped',
  'already-wrapped',
  // left alone
  'invalid-pod',
  'mirror-pod',
  'windows',
  'opted-out',
  'restart-policy-always',
  'native-sidecar',
  'no-known-sidecar',
  'no-sidecar',
  // left alone, or refused where the pod asks to be wrapped
  'too-many-containers',
  'no-main',
  'name-taken',
  'path-taken',
  'status-too-long',
  'sidecar-never-ends',
  'image-lookup-off',
  'image-not-found',
  'image-unauthorized',
  'image-unreachable',
  'image-timeout',
  'image-unusable',
  'no-command',
  // refused
  'bad-annotation',
  'bad-label',
  'unknown-annotation',
  'unknown-label',
  'sidecars-and-mains',
  'no-such-container',
  'bad-status',
  'half-wrapped',
] as const;

export type Reason = (typeof REASONS)[number];

export interface MutatedContainer {
  name: string;
  role: 'main' | 'sidecar';
  /** What it runs under the shim; on the first of the machines, where they differ. */
  command: string[];
  /** Where machines differ: what it runs on each. */
  byMachine?: { machine: string; command: string[] }[];
  /** A sidecar's readiness condition as it stands in the shim's flags (headers are not shown). */
  ready?: string;
  /** Which rule decided the role. */
  why: string;
}

/** The whole outcome for one pod. */
export interface Mutation {
  outcome: 'wrapped' | 'unchanged' | 'refused';
  reason: Reason;
  /** One sentence for a person; a refusal names the annotation and what to write. */
  message: string;
  /** RFC 6902. Also for `unchanged`, when an earlier wrapping must be undone. */
  operations: Operation[];
  /** Each at most 256 characters, no control characters, no secrets. */
  warnings: string[];
  containers: MutatedContainer[];
}
