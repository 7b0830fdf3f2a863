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

const FOUND: ReadonlySet<FoundBy | ImageFailure> = new Set(['hit', 'stale', 'joined', 'miss']);

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
  return {
    lookedUp: (host, result, seconds) => {
      if (FOUND.has(result) && named.size < MAX_REGISTRIES) named.add(host);
      const registry = named.has(host) ? host : OTHER;
      lookups.inc({ registry, result });
      duration.observe({ registry }, seconds);
    },
  };
}
