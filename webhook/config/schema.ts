/**
 * The keys of the configuration file. Every key is optional, and has its default, its meaning and what it takes. The help, the
 * chart's schema and the messages for a wrong file are made from this.
 */
import { z } from 'zod';
import { formatDuration, MAX_DURATION_MS } from '../../shim/duration.ts';
import { parseReadiness } from '../../shim/protocol.ts';
import { parseSignal } from '../../shim/signals.ts';
import { CATALOGUE } from '../decision/catalogue.ts';
import { MODES, parseMinor } from '../decision/mode.ts';
import { defaultPolicy } from '../decision/policy.ts';
import { parseQuantity } from '../shared/quantity.ts';
import { cpu, duration, image, memory, meta, names, port, text } from './fields.ts';
import { IMAGES } from './images.ts';
import { imagePatterns, namePatterns } from './patterns.ts';
import { TLS } from './tls.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const knownSidecar = z
  .strictObject({
    names: namePatterns(
      'container names',
      'a list of container names, * for any characters, such as [csql-*]',
    ),
    images: imagePatterns(
      'ends of image repositories, cut at a /',
      'a list such as [istio/proxyv2], * for any characters but /',
    ),
    order: z
      .int()
      .min(0)
      .max(1000)
      .exactOptional()
      .meta(meta('the start order; lower starts first', 'a whole number from 0 to 1000')),
    ready: z
      .string()
      .refine((value) => parseReadiness(value) !== undefined)
      .exactOptional()
      .meta(
        meta(
          'readiness, where it has no probe of its own; none: mains never wait for it',
          'http://:15021/healthz/ready, tcp://:5432, "exec: pg_isready" or none',
          '^(none|exec:|(http|tcp)://[^/]*:[0-9])',
        ),
      ),
    ignoreProbes: z
      .boolean()
      .exactOptional()
      .meta(
        meta('its own probes do not count, because they hold only when the app answers', 'true or false'),
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

const EVENTS = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .meta(
        meta(
          'write a Kubernetes Event for each refused or passed-over pod; needs the right to create events in all namespaces',
          'true or false',
        ),
      ),
  })
  .prefault({});

const LIMITS = z
  .strictObject({
    bodyBytes: z
      .int()
      .min(64 * 1024)
      .max(64 * 1024 * 1024)
      // The limit of controller-runtime (pkg/webhook/admission/http.go): two objects of etcd's 3 MB, and 1 MB for the rest.
      .default(7 * 1024 * 1024)
      .meta(meta('the longest review', 'a number of bytes from 65536 to 67108864')),
    requestTimeout: duration(
      'the longest time from the first byte of a request to its last',
      '100ms',
      '5m',
    ).prefault('10s'),
    concurrentReviews: z
      .int()
      .min(1)
      .max(100_000)
      // The default limit of an API server (--max-requests-inflight and --max-mutating-requests-inflight together).
      .default(600)
      .meta(
        meta(
          'reviews that are processed at once; more are answered with 503',
          'a whole number from 1 to 100000',
        ),
      ),
    concurrentBytes: z
      .int()
      .min(1024 * 1024)
      .max(1024 * 1024 * 1024)
      .default(32 * 1024 * 1024)
      .meta(
        meta(
          'bytes of the reviews that are processed at once, in bodies of more than 64 KiB; more are answered with 503',
          'a number of bytes from 1048576 to 1073741824, at least bodyBytes',
        ),
      ),
    connections: z
      .int()
      .min(10)
      .max(100_000)
      // A connection takes about 65 kB. An API server keeps 25 idle ones, and opens one for each concurrent review.
      .default(1000)
      .meta(meta('connections that are open at once; more are closed', 'a whole number from 10 to 100000')),
    queueTime: duration(
      'how long a review may wait before it is read, or a quarter of the timeout in its URL if that is less; later ones are answered with 503',
      '10ms',
      '10s',
    ).prefault('1s'),
  })
  .check((context) => {
    const { bodyBytes, concurrentBytes } = context.value;
    if (bodyBytes <= concurrentBytes) return;
    context.issues.push({
      code: 'custom',
      input: concurrentBytes,
      path: ['concurrentBytes'],
      message: `at least limits.bodyBytes, which is ${bodyBytes}`,
    });
  })
  .prefault({});

const SHUTDOWN = z
  .strictObject({
    delay: duration(
      'how long requests are still accepted after readiness fails, until all clients have noticed',
      '0s',
      '5m',
    ).prefault('5s'),
    gracePeriod: duration('how long the last requests may take after that', '0s', '1h').prefault('20s'),
  })
  .prefault({});

/** The schema. The help lists the keys in this order. */
export const CONFIG = z.strictObject({
  listen: z
    .strictObject({
      host: text('address to listen on', 'an IP address or host name').default('::'),
      port: port('port of the webhook (TLS)').default(8443),
      healthPort: port('port of /livez, /readyz and /metrics (plain HTTP)').default(8080),
    })
    .prefault({}),
  tls: TLS,
  mode: z
    .enum(MODES)
    .default('shim')
    .meta(
      meta(
        'how sidecars come to end, where neither the namespace nor the pod says it: shim (under the shim), native (as native sidecars) or auto (native where every kubelet has them and nothing is lost)',
        MODES.join(', '),
      ),
    ),
  minimumKubelet: z
    .string()
    .refine((value) => parseMinor(value) !== undefined)
    .exactOptional()
    .meta(
      meta(
        "the oldest kubelet's version; without it a kubelet is taken to be up to three minor versions older than the API server",
        'a version such as "1.29", in quotes',
        '^v?1\\.[0-9]{1,3}([.+-].*)?$',
      ),
    ),
  startTimeout: duration(
    'how long a main waits for its sidecars, where its pod has no annotation start-timeout; without it for ever',
    '1s',
    formatDuration(MAX_DURATION_MS),
  ).exactOptional(),
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
        .meta(meta('more known sidecars; they take precedence over the built-in ones', 'a list of sidecars')),
      disabled: z
        .array(
          z
            .string()
            .refine((name) => BUILT_IN_NAMES.has(name))
            .meta(
              meta(
                '',
                'the name of a built-in sidecar',
                `^(${[...BUILT_IN_NAMES].join('|').replaceAll('*', '\\*')})$`,
              ),
            ),
        )
        .default([])
        .meta(meta('built-in sidecars that are not used, by container name', 'a list of names')),
    })
    .prefault({}),
  images: IMAGES,
  log: z
    .strictObject({
      level: z
        .enum(LOG_LEVELS)
        .default('info')
        .meta(meta('the least severe level that is logged', LOG_LEVELS.join(', '))),
    })
    .prefault({}),
  events: EVENTS,
  limits: LIMITS,
  shutdown: SHUTDOWN,
});

/** The configuration, complete and checked. Durations are milliseconds. */
export type Config = z.output<typeof CONFIG>;
