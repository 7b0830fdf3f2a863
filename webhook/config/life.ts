/** The configuration's sections `limits` and `shutdown`: what a request may cost, and how the end goes. */
import { z } from 'zod';
import { duration, meta } from './fields.ts';

export const LIMITS = z
  .strictObject({
    bodyBytes: z
      .int()
      .min(64 * 1024)
      .max(64 * 1024 * 1024)
      // As controller-runtime (pkg/webhook/admission/http.go): two objects of etcd's 3 MB, and some.
      .default(7 * 1024 * 1024)
      .meta(meta('longest review', 'a number of bytes from 65536 to 67108864')),
    requestTimeout: duration('from the first byte of a request to its last', '100ms', '5m').prefault('10s'),
    concurrentReviews: z
      .int()
      .min(1)
      .max(100_000)
      // An API server has 600 requests in work at most by default (--max-requests-inflight and -mutating-requests-inflight).
      .default(600)
      .meta(meta('reviews in work at once; more are answered 503', 'a whole number from 1 to 100000')),
    concurrentBytes: z
      .int()
      .min(1024 * 1024)
      .max(1024 * 1024 * 1024)
      .default(32 * 1024 * 1024)
      .meta(
        meta(
          'bytes of reviews in work at once, in bodies of more than 64 KiB; more are answered 503',
          'a number of bytes from 1048576 to 1073741824, at least bodyBytes',
        ),
      ),
    connections: z
      .int()
      .min(10)
      .max(100_000)
      // Each holds some 65 kB; an API server keeps 25 idle ones, and uses as many as it has reviews in work.
      .default(1000)
      .meta(meta('connections at once; more are closed unheard', 'a whole number from 10 to 100000')),
    queueTime: duration(
      'how long a review may have waited unread, or a quarter of the timeout in its URL if that is less; later ones are answered 503',
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

export const SHUTDOWN = z
  .strictObject({
    delay: duration(
      'how long requests are still taken after readiness fails, until every client has noticed',
      '0s',
      '5m',
    ).prefault('5s'),
    gracePeriod: duration('how long the last requests then have', '0s', '1h').prefault('20s'),
  })
  .prefault({});
