/** What `curfew why` finds of a pod. */
import type { Policy } from '../decision/policy.ts';
import type { Judgement, Role } from './judgement.ts';
import type { NamespaceLabel } from './not-wrapped.ts';
import type { PodFacts } from './pod-facts.ts';
import type { ShimReport } from './shim-report.ts';

/** A Warning Event about a pod. */
export interface Trouble {
  reason: string;
  message: string;
  at: number | undefined;
}

/** All that is known when a pod is judged. */
export interface Scene {
  pod: PodFacts;
  /** Milliseconds since 1970. */
  now: number;
  label: NamespaceLabel;
  /** The newest last. */
  troubles: readonly Trouble[];
  /** What the shim itself says; undefined where it was not asked or could not answer. */
  shim: ShimReport | undefined;
  /** Why the shim's word is missing, where it was asked. */
  unheard: string | undefined;
  /** The last lines of each running container's log, where the shim could not be asked. */
  logs: ReadonlyMap<string, readonly string[]>;
  policy: Policy;
}

/** A scene with what follows from it. */
export interface Judged extends Scene {
  roles: ReadonlyMap<string, Role>;
  judgement: Judgement;
}

export interface Finding {
  /** `works`: nobody holds it up. `held`: it goes on only when somebody does something, or when what it waits for comes. */
  state: 'ended' | 'works' | 'held';
  /** The container that holds the pod. */
  holder?: string;
  /** One clause: `held by envoy`. */
  headline: string;
  lines: string[];
  /** What to do: commands and what to write. */
  todo: string[];
}
