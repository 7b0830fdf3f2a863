/** The pictures of the demo's timeline: what was seen in one real run, which docs/timeline.json holds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRun } from '../examples/database-migration/recording.ts';
import { NARROW, timelineSvg, WIDE } from '../examples/database-migration/timeline-svg.ts';

/** Each picture by its path below docs/, as it must be. @throws where timeline.json is no recording of the demo */
export function timelinePictures(): Map<string, string> {
  const run = parseRun(
    readFileSync(join(import.meta.dirname, 'timeline.json'), 'utf8'),
    'docs/timeline.json',
  );
  return new Map([
    ['timeline.svg', timelineSvg(run, WIDE)],
    ['timeline-narrow.svg', timelineSvg(run, NARROW)],
  ]);
}
