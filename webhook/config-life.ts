/** The configuration's sections `limits` and `shutdown`: what a request may cost, and how the end goes. */
import { z } from 'zod';
import { duration, meta } from './config-fields.ts';

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
