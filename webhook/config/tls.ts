/** The configuration's section `tls`: where the serving certificate comes from. */
import { z } from 'zod';
import { amountUpTo, duration, meta, text } from './fields.ts';

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };

const LIFETIME = /^([0-9]{1,9})([smhd])$/;

/** A certificate's lifetime in milliseconds: one number and one unit. The shim's durations go up to a week only. */
function parseLifetime(value: string): number | undefined {
  const [, amount = '', unit = ''] = LIFETIME.exec(value) ?? [];
  const factor = UNITS[unit];
  return factor === undefined ? undefined : Number(amount) * factor;
}

function lifetime(help: string, least: string, most: string) {
  const [from, to] = [parseLifetime(least) ?? 0, parseLifetime(most) ?? 0];
  return z
    .string()
    .refine((value) => {
      const ms = parseLifetime(value);
      return ms !== undefined && ms >= from && ms <= to;
    })
    .transform((value) => parseLifetime(value) ?? 0)
    .meta(
      meta(help, `a lifetime from ${least} to ${most}, such as 30d or 48h`, `^${amountUpTo(to, UNITS)}$`),
    );
}

const label = (help: string, kind: string) =>
  z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
    .meta(meta(help, `the name of a ${kind}: small letters, digits and "-", at most 63`));
const objectName = (help: string, kind: string) =>
  z
    .string()
    .max(253)
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/)
    .meta(meta(help, `the name of a ${kind}: small letters, digits, "-" and "."`));

/** A leaf is signed until its authority has a third of its lifetime left, and must not outlive it. */
const LIFETIMES_PER_AUTHORITY = 3;

const selfManaged = z
  .strictObject({
    secret: objectName(
      'Secret that holds the authority and the certificate of all replicas',
      'Secret',
    ).default('curfew-tls'),
    namespace: label(
      "namespace of that Secret and of the Service; default: the pod's own",
      'namespace',
    ).exactOptional(),
    service: label('Service through which the API server calls the webhook', 'Service').default('curfew'),
    webhookConfiguration: objectName(
      'MutatingWebhookConfiguration that gets the caBundle',
      'MutatingWebhookConfiguration',
    ).default('curfew'),
    lifetime: lifetime(
      'lifetime of a serving certificate; it is renewed when a third is left',
      '2s',
      '90d',
    ).prefault('30d'),
    caLifetime: lifetime(
      'lifetime of an authority; it is renewed when a third is left, and both are trusted while they overlap',
      '6s',
      '3650d',
    ).prefault('365d'),
  })
  .check((context) => {
    const { lifetime: leaf, caLifetime } = context.value;
    // A lifetime that was refused itself is NaN, and is not refused again.
    if (!(caLifetime < LIFETIMES_PER_AUTHORITY * leaf)) return;
    context.issues.push({
      code: 'custom',
      input: caLifetime,
      path: ['caLifetime'],
      message: `at least ${LIFETIMES_PER_AUTHORITY} times tls.selfManaged.lifetime`,
    });
  })
  .prefault({});

export const TLS = z
  .strictObject({
    source: z
      .enum(['files', 'self-managed'])
      .default('files')
      .meta(meta('where the serving certificate comes from', 'files or self-managed')),
    certFile: text('PEM file: the certificate, then its intermediates', 'a file').default(
      '/etc/curfew/tls/tls.crt',
    ),
    keyFile: text('PEM file: its key, unencrypted', 'a file').default('/etc/curfew/tls/tls.key'),
    reloadInterval: duration('how often both files are checked for changes', '100ms', '1h').prefault('10s'),
    selfManaged,
  })
  .prefault({});
