/** The Events that a configuration asks for, written to the API server of the pod's own cluster. */
import type { Config } from '../config/config.ts';
import { Events } from './events.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { connectCluster } from './service-cluster.ts';

/**
 * @param closing ends what is under way
 * @returns undefined where the configuration wants none
 * @throws {ConfigError} where there is no cluster
 */
export async function reviewEvents(
  config: Config,
  log: Log,
  metrics: Metrics,
  closing: AbortSignal,
): Promise<Events | undefined> {
  if (!config.events.enabled) return undefined;
  const kubernetes = await connectCluster('events.enabled is true', closing);
  const sink = { create: kubernetes.createEvent };
  return new Events({ sink, log, ended: metrics.eventEnded });
}
