/**
 * The keys of the configuration file. Every key is optional, and has its default, its meaning and what it takes. The help, the
 * chart's schema and the messages for a wrong file are made from this.
 */
import { z } from 'zod';
import { MODES, parseMinor } from '../decision/mode.ts';
import { defaultPolicy } from '../decision/policy.ts';
import { parseQuantity } from '../shared/quantity.ts';
import { CATALOGUE_KEYS } from './catalogue.ts';
import { cpu, duration, image, memory, meta, port, startTimeout, text } from './fields.ts';
import { IMAGES } from './images.ts';
import { SETTINGS_NAME } from './settings-name.ts';
import { TLS } from './tls.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

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
  startTimeout: startTimeout(),
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
  catalogue: CATALOGUE_KEYS,
  images: IMAGES,
  namespaceSettings: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .meta(
          meta(
            `whether the ConfigMap ${SETTINGS_NAME} of a namespace sets startTimeout, catalogue.extra and images.entrypoints for its pods; needs the right to list and watch the ConfigMaps of that name`,
            'true or false',
          ),
        ),
    })
    .prefault({}),
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
