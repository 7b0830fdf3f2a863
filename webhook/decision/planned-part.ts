import type { ContainerDetails } from './container.ts';
import type { CommandSources } from './entrypoint.ts';
import type { Part } from './roles.ts';

/** A container with everything that wrapping it needs but its image. */
export interface PlannedPart extends Part {
  details: ContainerDetails;
  sources: CommandSources;
}
