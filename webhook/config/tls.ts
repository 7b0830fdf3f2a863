/** The configuration's section `tls`: where the serving certificate comes from. */
import { z } from 'zod';
import { amountUpTo } from './duration-pattern.ts';
import { duration, meta, text } from './fields.ts';

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };

const LIFETIME = /^([0-9]{1,9})([smhd])$/;

/** A certificate's life in milliseconds: one number and one unit. The shim's durations end at a week. */
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

/** A leaf that is signed when its authority has a third of its life left must not outlive it. */
const LIVES_PER_AUTHORITY = 3;

const selfManaged = z
  .strictObject({
    secret: objectName('Secret in which the replicas agree on authority and certificate', 'Secret').default(
      'curfew-tls',
    ),
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
      'life of a serving certificate; a new one comes at a third left',
      '2s',
      '90d',
    ).prefault('30d'),
    caLifetime: lifetime(
      'life of an authority; a new one comes at a third left, and both are trusted while they overlap',
      '6s',
      '3650d',
    ).prefault('365d'),
  })
  .check((context) => {
    const { lifetime: leaf, caLifetime } = context.value;
    // Written so that a life which was refused itself (no number) is not refused twice.
    if (!(caLifetime < LIVES_PER_AUTHORITY * leaf)) return;
    context.issues.push({
      code: 'custom',
      input: caLifetime,
      path: ['caLifetime'],
      message: `at least ${LIVES_PER_AUTHORITY} times tls.selfManaged.lifetime`,
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
    reloadInterval: duration('how often both files are compared', '100ms', '1h').prefault('10s'),
    selfManaged,
  })
  .prefault({});

/** Names and lives of a certificate that the webhook manages. Milliseconds. */
export type SelfManagedConfig = z.output<typeof selfManaged>;
