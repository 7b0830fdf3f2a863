import type { JsonRecord } from '../shared/json.ts';
import type { ContainerDetails } from './container.ts';
import type { CommandSources } from './entrypoint.ts';
import type { Part } from './roles.ts';

/** A container with everything that wrapping it needs but its image. */
export interface PlannedPart extends Part {
  details: ContainerDetails;
  /** The sidecars that must be started before its command runs (L1, L2). */
  waitsFor: readonly string[];
  /** The startup probe that it needs because it waits (L18); undefined where its author's stays, or there is none. */
  gate: JsonRecord | undefined;
  /** Its author's startup probe. */
  ownStartupProbe: JsonRecord | undefined;
  sources: CommandSources;
}
