/** The metrics of a self-managed certificate. Counters are there from the start, because `increase()` does not see a first event. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { Step } from '../certificate/authority.ts';
import type { ConfigurationState } from '../certificate/reconciler.ts';
import type { Watched } from '../kubernetes/objects.ts';

export interface SelfManagedMetrics {
  /** @param notAfter when the authority expires */
  authorityLoaded(notAfter: Date): void;
  /** This replica wrote the Secret. */
  certificateWritten(step: Step): void;
  /** This replica wrote the webhook configuration's caBundle. */
  caBundleWritten(): void;
  /** The webhook configuration was read. */
  configurationRead(state: ConfigurationState): void;
  /** A watch could not be had or ended with an error. */
  watchFailed(object: Watched['kind']): void;
}

/** The values of the labels, which are closed lists. */
const STEPS: Readonly<Record<Step, true>> = {
  restored: true,
  begun: true,
  promoted: true,
  renewed: true,
  dropped: true,
};
const WATCHED: Readonly<Record<Watched['kind'], true>> = { secret: true, configuration: true };

/** Make the metrics; called once, and only where there is such a certificate: other webhooks do not show zeros. */
export function selfManagedMetrics(
  registers: Registry[],
  watchFailures: Counter<'object'>,
): SelfManagedMetrics {
  let expiry: Gauge | undefined;
  let configuration: { found: Gauge; contested: Gauge } | undefined;
  const secretWrites = new Counter({
    name: 'curfew_certificate_secret_writes_total',
    help: 'Times that this replica wrote the Secret of the self-managed certificate, by why.',
    labelNames: ['step'],
    registers,
  });
  const bundleWrites = new Counter({
    name: 'curfew_ca_bundle_writes_total',
    help: "Times that this replica wrote the webhook configuration's caBundle.",
    registers,
  });
  for (const step of Object.keys(STEPS)) secretWrites.inc({ step }, 0);
  for (const object of Object.keys(WATCHED)) watchFailures.inc({ object }, 0);
  return {
    authorityLoaded: (notAfter) => {
      // Not from the start: a time of 0 would be an authority that has expired.
      expiry ??= new Gauge({
        name: 'curfew_certificate_authority_expiry_timestamp_seconds',
        help: 'When the authority of the self-managed certificate ends, in Unix time.',
        registers,
      });
      expiry.set(Math.floor(notAfter.getTime() / 1000));
    },
    certificateWritten: (step) => secretWrites.inc({ step }),
    caBundleWritten: () => bundleWrites.inc(),
    configurationRead: ({ found, contested }) => {
      configuration ??= configurationGauges(registers);
      configuration.found.set(Number(found));
      configuration.contested.set(Number(contested));
    },
    watchFailed: (object) => watchFailures.inc({ object }),
  };
}

/** Made when the configuration is read: before that neither is known. */
function configurationGauges(registers: Registry[]): { found: Gauge; contested: Gauge } {
  return {
    found: new Gauge({
      name: 'curfew_webhook_configuration_found',
      help: '1: the MutatingWebhookConfiguration exists and has webhooks. 0: it does not, so no pod is reviewed.',
      registers,
    }),
    contested: new Gauge({
      name: 'curfew_ca_bundle_contested',
      help: "1: another writer keeps setting the webhook configuration's caBundle back, and calls may fail.",
      registers,
    }),
  };
}
