/** The serving certificate that the configuration asks for. What becomes of it goes to the log and the metrics. */
import { readFile } from 'node:fs/promises';
import type { CertificateListener, CertificateSource } from '../certificate/certificate.ts';
import { CertificateFiles } from '../certificate/files.ts';
import { type Config, ConfigError } from '../config/config.ts';
import { errorFields, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { connectCluster } from './parts.ts';

/** Where the kubelet writes the pod's own namespace. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** A source, and its listener. */
export interface ServingCertificate {
  source: CertificateSource;
  /** Call `loaded` after each pair that is loaded from now on. */
  onLoaded(loaded: () => void): void;
}

/**
 * @param closing aborts the requests that are under way
 * @throws {ConfigError} where the configuration needs a cluster, and this runs in none
 */
export async function servingCertificate(
  config: Config,
  log: Log,
  metrics: Metrics,
  closing: AbortSignal,
): Promise<ServingCertificate> {
  // The listener is set once the servers exist, which are built with the source.
  let loaded = () => {};
  const listener: CertificateListener = {
    loaded: ({ notAfter, fingerprint, subjectAltName }) => {
      loaded();
      metrics.certificateLoaded(notAfter);
      log.info({ notAfter, fingerprint, subjectAltName }, 'certificate loaded');
    },
    failed: ({ message }) => {
      metrics.certificateFailed();
      log.error({ message, serving: source.current !== undefined }, 'certificate not loaded');
    },
  };
  const source =
    config.tls.source === 'files'
      ? new CertificateFiles(config.tls, listener)
      : await selfManaged(config, log, metrics, listener, closing);
  return {
    source,
    onLoaded: (call) => {
      loaded = call;
    },
  };
}

async function selfManaged(
  config: Config,
  log: Log,
  metrics: Metrics,
  listener: CertificateListener,
  closing: AbortSignal,
): Promise<CertificateSource> {
  const { SelfManagedCertificate } = await import('../certificate/self-managed.ts');
  const { secret, service, webhookConfiguration, lifetime, caLifetime } = config.tls.selfManaged;
  const namespace = config.tls.selfManaged.namespace ?? (await ownNamespace());
  const kubernetes = await connectCluster('tls.source is self-managed', closing);
  const counted = metrics.selfManaged();
  const names = [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`];
  return new SelfManagedCertificate(
    kubernetes,
    {
      namespace,
      secret,
      webhookConfiguration,
      spec: { names, lifetime, caLifetime, jitter: Math.random() },
    },
    {
      ...listener,
      authority: (notAfter) => counted.authorityLoaded(notAfter),
      secretWritten: (step, authority) => {
        counted.certificateWritten(step);
        log.info({ step, secret, namespace, authority }, 'certificate Secret written');
      },
      caBundleWritten: (webhooks, again) => {
        counted.caBundleWritten();
        log.info({ webhookConfiguration, webhooks, again }, 'caBundle written');
      },
      configurationRead: (state) => counted.configurationRead(state),
      watchFailed: (object) => counted.watchFailed(object),
      failure: (message) => log.error({ message }, 'certificate in trouble'),
      unexpected: (error) => log.error(errorFields(error), 'certificate not looked after: a fault of Curfew'),
      recovered: (what) => log.info({ what }, 'certificate no longer in trouble'),
    },
  );
}

async function ownNamespace(): Promise<string> {
  try {
    const text = (await readFile(NAMESPACE_FILE, 'utf8')).trim();
    if (/^[a-z0-9-]{1,63}$/.test(text)) return text;
  } catch {
    // Not in a pod, or in one without the service account's files.
  }
  throw new ConfigError(`tls.selfManaged.namespace is missing, and ${NAMESPACE_FILE} does not say it either`);
}
