/** The Events that a configuration asks for, written to the API server of the pod's own cluster. */
import { type Config, ConfigError } from './config.ts';
import { Events } from './events.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

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
  // Only here: see kubernetes.ts.
  const [{ connectKubernetes }, { KubernetesError }] = await Promise.all([
    import('./kubernetes.ts'),
    import('./kubernetes-error.ts'),
  ]);
  const kubernetes = await connectKubernetes(process.env, closing).catch((cause: unknown) => {
    if (!(cause instanceof KubernetesError)) throw cause;
    throw new ConfigError(`events.enabled is true, but: ${cause.message}`, { cause });
  });
  const sink = { create: kubernetes.createEvent };
  return new Events({ sink, log, ended: metrics.eventEnded });
}
