/** The API server that a part of the configuration needs. */
import { ConfigError } from '../config/config.ts';
import type { Kubernetes } from '../kubernetes/client.ts';

/**
 * Connect to the API server of the pod's own cluster.
 * @param needed the setting that needs it, for the message
 * @param closing ends what is under way
 * @throws {ConfigError} where there is no cluster
 */
export async function connectCluster(needed: string, closing: AbortSignal): Promise<Kubernetes> {
  // Only here: the client is a large part of the program.
  const [{ connectKubernetes }, { KubernetesError }] = await Promise.all([
    import('../kubernetes/client.ts'),
    import('../kubernetes/error.ts'),
  ]);
  return connectKubernetes(process.env, closing).catch((cause: unknown) => {
    if (!(cause instanceof KubernetesError)) throw cause;
    throw new ConfigError(`${needed}, but: ${cause.message}`, { cause });
  });
}
