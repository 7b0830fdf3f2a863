/**
 * The keys of the configuration file: every key is optional, has its default, and says here what it means and what it
 * takes. The messages of a wrong file and the help are made from this.
 */
import { z } from 'zod';
import { parseReadiness } from '../../shim/protocol.ts';
import { parseSignal } from '../../shim/signals.ts';
import { CATALOGUE } from '../decision/catalogue.ts';
import { defaultPolicy } from '../decision/policy.ts';
import { parseQuantity } from '../shared/quantity.ts';
import { EVENTS } from './events.ts';
import { cpu, image, memory, meta, names, port, text } from './fields.ts';
import { IMAGES } from './images.ts';
import { LIMITS, SHUTDOWN } from './life.ts';
import { TLS } from './tls.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

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
      .meta(
        meta(
          'readiness',
          'http://:15021/healthz/ready, tcp://:5432, "exec: pg_isready" or none',
          '^(none|exec:|(http|tcp)://[^/]*:[0-9])',
        ),
      ),
    stopSignal: z
      .string()
      .refine((value) => parseSignal(value) !== undefined)
      .exactOptional()
      .meta(meta("the image's STOPSIGNAL", 'a signal such as INT', '^[A-Za-z0-9+-]{1,16}$')),
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
  tls: TLS,
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
            .meta(meta('', 'the name of a built-in sidecar', `^(${[...BUILT_IN_NAMES].join('|')})$`)),
        )
        .default([])
        .meta(meta('built-in sidecars that are not to be known, by container name', 'a list of names')),
    })
    .prefault({}),
  images: IMAGES,
  log: z
    .strictObject({
      level: z
        .enum(LOG_LEVELS)
        .default('info')
        .meta(meta('what is logged', LOG_LEVELS.join(', '))),
    })
    .prefault({}),
  events: EVENTS,
  limits: LIMITS,
  shutdown: SHUTDOWN,
});

/** The configuration, whole and checked. Durations are milliseconds. */
export type Config = z.output<typeof CONFIG>;
