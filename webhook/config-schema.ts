/**
 * The keys of the configuration file: every key is optional, has its default, and says here what it means and what it
 * takes. The messages of a wrong file and the help are made from this.
 */
import { z } from 'zod';
import { parseDuration } from '../shim/duration.ts';
import { parseReadiness } from '../shim/protocol.ts';
import { parseSignal } from '../shim/signals.ts';
import { CATALOGUE } from './catalogue.ts';
import { defaultPolicy } from './policy.ts';
import { parseQuantity } from './quantity.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What a key means and what it takes, for help and messages. */
const meta = (help: string, allowed: string) => ({ description: help, allowed });
const text = (help: string, allowed: string) => z.string().min(1).max(1024).meta(meta(help, allowed));
const port = (help: string) =>
  z.int().min(0).max(65_535).meta(meta(help, 'a port, 1 to 65535 (0: any free one)'));
const image = (help: string) =>
  z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9[][A-Za-z0-9._\-/:@[\]]*$/)
    .meta(meta(help, 'an image reference such as ghcr.io/curfew-dev/curfew-shim:0.1.0'));
const quantity = (help: string, example: string) =>
  z
    .string()
    .refine((value) => (parseQuantity(value) ?? 0) > 0)
    .meta(meta(help, `a quantity above 0 as a text, such as "${example}"`));
const cpu = (help: string) => quantity(help, '10m');
const memory = (help: string) => quantity(help, '16Mi');

/** A duration, kept as milliseconds. */
function duration(help: string, least: string, most: string) {
  const [from, to] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  return z
    .string()
    .refine((value) => {
      const ms = parseDuration(value);
      return ms !== undefined && ms >= from && ms <= to;
    })
    .transform((value) => parseDuration(value) ?? 0)
    .meta(meta(help, `a duration from ${least} to ${most}, such as ${least === '0s' ? '5s' : '10s'}`));
}

const names = (help: string, allowed: string) =>
  z
    .array(z.string().min(1).max(256).meta(meta('', 'a text')))
    .min(1)
    .max(64)
    .meta(meta(help, allowed));

const knownSidecar = z
  .strictObject({
    names: names('container names', 'a list of container names'),
    images: names('ends of image repositories, cut at a /', 'a list such as [istio/proxyv2]'),
    order: z
      .int()
      .min(0)
      .max(1000)
      .exactOptional()
      .meta(meta('lower starts first', 'a whole number from 0 to 1000')),
    ready: z
      .string()
      .refine((value) => parseReadiness(value) !== undefined)
      .exactOptional()
      .meta(meta('readiness', 'http://:15021/healthz/ready, tcp://:5432, "exec: pg_isready" or none')),
    stopSignal: z
      .string()
      .refine((value) => parseSignal(value) !== undefined)
      .exactOptional()
      .meta(meta("the image's STOPSIGNAL", 'a signal such as INT')),
    entrypoint: names("the image's ENTRYPOINT", 'a list such as [/usr/bin/proxy]').exactOptional(),
    cmd: names("the image's CMD", 'a list of arguments').exactOptional(),
  })
  .meta(meta('a sidecar', 'a map with names and images'));

const BUILT_IN_NAMES = new Set(CATALOGUE.flatMap((known) => known.names));

const resources = z
  .strictObject({
    requests: z
      .strictObject({
        cpu: cpu('CPU that the init container requests').default('10m'),
        memory: memory('memory that the init container requests').default('16Mi'),
      })
      .prefault({}),
    limits: z
      .strictObject({
        cpu: cpu('CPU limit of the init container').default('100m'),
        memory: memory('memory limit of the init container').default('32Mi'),
      })
      .prefault({}),
  })
  .check((context) => {
    const { requests, limits } = context.value;
    for (const key of ['cpu', 'memory'] as const) {
      if ((parseQuantity(requests[key]) ?? 0) <= (parseQuantity(limits[key]) ?? 0)) continue;
      context.issues.push({
        code: 'custom',
        input: requests[key],
        path: ['requests', key],
        message: `at most limits.${key}, which is "${limits[key]}"`,
      });
    }
  })
  .prefault({});

/** The schema: keys in the order in which the help lists them. */
export const CONFIG = z.strictObject({
  listen: z
    .strictObject({
      host: text('address to listen on', 'an IP address or host name').default('::'),
      port: port('port of the webhook (TLS)').default(8443),
      healthPort: port('port of /livez, /readyz and /metrics (plain HTTP)').default(8080),
    })
    .prefault({}),
  tls: z
    .strictObject({
      certFile: text('PEM file: the certificate, then its intermediates', 'a file').default(
        '/etc/curfew/tls/tls.crt',
      ),
      keyFile: text('PEM file: its key, unencrypted', 'a file').default('/etc/curfew/tls/tls.key'),
      reloadInterval: duration('how often both files are compared', '100ms', '1h').prefault('10s'),
    })
    .prefault({}),
  shim: z
    .strictObject({
      image: image('image of the shim, which the init container copies').default(defaultPolicy().shim.image),
      imagePullPolicy: z
        .enum(['Always', 'IfNotPresent', 'Never'])
        .exactOptional()
        .meta(meta("the init container's imagePullPolicy", 'Always, IfNotPresent or Never')),
      resources,
    })
    .prefault({}),
  catalogue: z
    .strictObject({
      extra: z
        .array(knownSidecar)
        .max(1000)
        .default([])
        .meta(meta('more known sidecars; they are looked at before the built-in ones', 'a list of sidecars')),
      disabled: z
        .array(
          z
            .string()
            .refine((name) => BUILT_IN_NAMES.has(name))
            .meta(meta('', 'the name of a built-in sidecar')),
        )
        .default([])
        .meta(meta('built-in sidecars that are not to be known, by container name', 'a list of names')),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(LOG_LEVELS)
        .default('info')
        .meta(meta('what is logged', LOG_LEVELS.join(', '))),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bodyBytes: z
        .int()
        .min(64 * 1024)
        .max(64 * 1024 * 1024)
        // As controller-runtime (pkg/webhook/admission/http.go): two objects of etcd's 3 MB, and some.
        .default(7 * 1024 * 1024)
        .meta(meta('longest review', 'a number of bytes from 65536 to 67108864')),
      requestTimeout: duration('from the first byte of a request to its last', '100ms', '5m').prefault('10s'),
    })
    .prefault({}),
  shutdown: z
    .strictObject({
      delay: duration(
        'how long requests are still taken after readiness fails, until every client has noticed',
        '0s',
        '5m',
      ).prefault('5s'),
      gracePeriod: duration('how long the last requests then have', '0s', '1h').prefault('20s'),
    })
    .prefault({}),
});

/** The configuration, whole and checked. Durations are milliseconds. */
export type Config = z.output<typeof CONFIG>;
