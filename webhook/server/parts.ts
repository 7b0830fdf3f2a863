/** The parts of the service that its configuration asks for: image look-ups, Events, and the API server that some of them need. */
import { type Config, ConfigError } from '../config/config.ts';
import { SETTINGS_NAME } from '../config/settings-name.ts';
import type { ImageLookup } from '../decision/images.ts';
import { type ClusterVersion, parseMinor } from '../decision/mode.ts';
import type { Policy } from '../decision/policy.ts';
import type { KnownIn } from '../images/lookup.ts';
import type { PullSecret, SecretReader } from '../images/pull-secrets.ts';
import type { Kubernetes } from '../kubernetes/client.ts';
import { watchVersion } from './cluster-version.ts';
import { Events } from './events.ts';
import { bounded, errorFields, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { SettingsOfNamespaces } from './namespace-settings.ts';
import { eventMessage } from './review-event.ts';
import { withoutValues } from './review-line.ts';

/**
 * Connect to the API server of the pod's own cluster.
 * @param setting the configuration's setting that needs it, for the message
 * @param closing aborts the requests that are under way
 * @throws {ConfigError} where there is no cluster
 */
export async function connectCluster(setting: string, closing: AbortSignal): Promise<Kubernetes> {
  // Imported here because the client is a large part of the program.
  const { connectKubernetes } = await import('../kubernetes/client.ts');
  return inCluster(setting, () => connectKubernetes(process.env, closing));
}

/** @throws {ConfigError} where there is no cluster */
async function inCluster<T>(setting: string, connect: () => Promise<T>): Promise<T> {
  const { KubernetesError } = await import('../kubernetes/error.ts');
  return connect().catch((cause: unknown) => {
    if (!(cause instanceof KubernetesError)) throw cause;
    throw new ConfigError(`${setting}, but: ${cause.message}`, { cause });
  });
}

/**
 * The Events, written to the API server of the pod's own cluster.
 * @param closing aborts the requests that are under way
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

/**
 * The version of the pod's own cluster; unknown where there is none, as for a webhook that is run by hand.
 * @param closing ends the questions
 */
export async function clusterVersion(
  config: Config,
  log: Log,
  closing: AbortSignal,
): Promise<() => ClusterVersion> {
  const leastKubelet = parseMinor(config.minimumKubelet ?? '');
  if (!process.env.KUBERNETES_SERVICE_HOST && !process.env.KUBECONFIG)
    return () => ({ server: undefined, leastKubelet });
  const kubernetes = await connectCluster('mode may be auto', closing).catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error;
    // A pod without a token, whose configuration needs none.
    log.info({ message: error.message }, 'API server version not asked');
  });
  if (!kubernetes) return () => ({ server: undefined, leastKubelet });
  const read = async () => {
    const text = await kubernetes.readVersion();
    const minor = parseMinor(text);
    if (minor === undefined) throw new Error('the API server says no version of Kubernetes 1');
    return minor;
  };
  return watchVersion(read, leastKubelet, log, closing);
}

/**
 * What namespaces set for their own pods; it is read until `closing`.
 * @param policy the configuration's
 * @returns undefined where the configuration lets them set nothing
 * @throws {ConfigError} where there is no cluster
 */
export async function namespaceSettings(
  config: Config,
  policy: Policy,
  parts: { log: Log; metrics: Metrics; events: Events | undefined },
  closing: AbortSignal,
): Promise<SettingsOfNamespaces | undefined> {
  if (!config.namespaceSettings.enabled) return undefined;
  const { log, events } = parts;
  const [{ connectConfigMaps }, { SettingsOfNamespaces }] = await Promise.all([
    import('../kubernetes/config-maps.ts'),
    import('./namespace-settings.ts'),
  ]);
  const source = await inCluster('namespaceSettings.enabled is true', () =>
    connectConfigMaps(process.env, SETTINGS_NAME, closing),
  );
  const { counted, readFailed } = parts.metrics.namespaceSettings();
  const settings = new SettingsOfNamespaces(source, policy, {
    counted,
    readFailed,
    read: () => log.info('settings of namespaces read'),
    failure: (message) => log.error({ message }, 'settings of namespaces not read'),
    recovered: (what) => log.info({ what }, 'settings of namespaces read again'),
    unexpected: (error) =>
      log.error(errorFields(error), 'settings of namespaces not read: a fault of Curfew'),
    wrong: (namespace, uid, message) => {
      log.warn(
        { namespace: bounded(namespace), message: bounded(withoutValues(message), 2_048) },
        'settings of a namespace are wrong',
      );
      const about = { apiVersion: 'v1', kind: 'ConfigMap', name: SETTINGS_NAME };
      const text = eventMessage(`Pods of this namespace are refused until this is mended: ${message}`);
      const event = { type: 'Warning', reason: 'CurfewSettingsWrong', cause: 'bad-settings' } as const;
      events?.tell(namespace, { ...event, message: text, about }, uid);
    },
  });
  void settings.keep(closing);
  return settings;
}

/**
 * The image look-up, with the pull secrets of the pod's own cluster.
 * @param knownIn what namespaces say themselves of images
 * @param closing aborts the requests that are under way, and closes the connections
 */
export async function reviewImages(
  config: Config,
  metrics: Metrics,
  closing: AbortSignal,
  knownIn?: KnownIn,
): Promise<ImageLookup> {
  const { images } = config;
  const { createImageService } = await import('../images/service.ts');
  if (images.mode === 'off') return createImageService(images, { knownIn });
  const observer = metrics.imageLookups(images.registries.map(({ host }) => host));
  const wanted = images.pullSecrets || images.defaultPullSecret !== undefined;
  const secrets = wanted ? new LateSecretReader(closing) : undefined;
  const service = createImageService(images, { observer, secrets, knownIn });
  closing.addEventListener('abort', () => service.close(), { once: true });
  return service;
}

/** Connects to the API server when the first secret is wanted: the images of many clusters need none, and it costs 28 MB. */
class LateSecretReader implements SecretReader {
  private readonly closing: AbortSignal;
  private connected: Promise<SecretReader> | undefined;

  constructor(closing: AbortSignal) {
    this.closing = closing;
  }

  /** @throws {RegistryError} */
  async pullSecrets(...asked: Parameters<SecretReader['pullSecrets']>): Promise<readonly PullSecret[]> {
    this.connected ??= import('../images/secret-reader.ts').then(({ connectSecretReader }) =>
      connectSecretReader(process.env, this.closing),
    );
    return (await this.connected).pullSecrets(...asked);
  }
}
