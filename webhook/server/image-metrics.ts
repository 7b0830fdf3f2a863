/** The metrics of image look-ups. The registry is a label, so the number of its values is bounded. */
import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import type { ImageFailure } from '../decision/images.ts';
import type { FoundBy } from '../images/finder.ts';
import type { ImageObserver } from '../images/lookup.ts';

/** Registries that have a label value of their own; a cluster uses a few. */
const MAX_REGISTRIES = 32;
const OTHER = 'other';

/** Seconds. A hit takes microseconds, a registry far away seconds. */
const BUCKETS = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Each result of a look-up, and whether the registry's image was found. */
const RESULTS: Readonly<Record<FoundBy | Exclude<ImageFailure, 'image-lookup-off'>, boolean>> = {
  hit: true,
  stale: true,
  joined: true,
  miss: true,
  'image-not-found': false,
  'image-unauthorized': false,
  'image-unreachable': false,
  'image-timeout': false,
  'image-unusable': false,
};
const FOUND: ReadonlySet<string> = new Set(
  Object.entries(RESULTS).flatMap(([result, found]) => (found ? result : [])),
);

/**
 * Count look-ups.
 * @param configured registries that always have a label value of their own. So have the first others that answered with an image: a host
 *   that a pod's author invented becomes no series
 */
export function imageMetrics(registers: Registry[], configured: readonly string[] = []): ImageObserver {
  const lookups = new Counter({
    name: 'curfew_image_lookups_total',
    help: 'Images that were looked up, by registry and how it went: hit, stale (answered, and asked for again), joined (the same question was under way), miss, or why it failed.',
    labelNames: ['registry', 'result'],
    registers,
  });
  const duration = new Histogram({
    name: 'curfew_image_lookup_duration_seconds',
    help: 'From the question for an image to its answer, from the cache or from the registry.',
    labelNames: ['registry'],
    buckets: BUCKETS,
    registers,
  });
  const named = new Set(configured.slice(0, MAX_REGISTRIES));
  // `increase()` does not see a first event: every series begins with 0, of a registry that is named later with its first image.
  const begin = (registry: string) => {
    for (const result of Object.keys(RESULTS)) lookups.inc({ registry, result }, 0);
  };
  for (const registry of [...named, OTHER]) begin(registry);
  return {
    lookedUp: (host, result, seconds) => {
      if (FOUND.has(result) && named.size < MAX_REGISTRIES && !named.has(host)) {
        named.add(host);
        begin(host);
      }
      const registry = named.has(host) ? host : OTHER;
      lookups.inc({ registry, result });
      duration.observe({ registry }, seconds);
    },
  };
}
