import type { JsonRecord } from '../shared/json.ts';
import type { ContainerDetails } from './container.ts';
import type { CommandSources } from './entrypoint.ts';
import type { Part } from './roles.ts';

/** A container whose details were read. */
export interface ReadPart extends Part {
  /** The container as its author wrote it, but for command and args: with its own startup probe where an earlier run put in another. */
  authored: JsonRecord;
  details: ContainerDetails;
  sources: CommandSources;
}

/** A container with everything that wrapping it needs but its image. */
export interface PlannedPart extends ReadPart {
  /** The sidecars that must be started before its command runs (L1, L2). */
  waitsFor: readonly string[];
  /** The startup probe that it needs because it waits (L18); undefined where its author's stays, or there is none. */
  gate: JsonRecord | undefined;
}
