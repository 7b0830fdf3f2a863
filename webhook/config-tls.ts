/** The configuration's section `tls`: where the serving certificate comes from. */
import { z } from 'zod';
import { duration, text } from './config-fields.ts';

export const TLS = z
  .strictObject({
    certFile: text('PEM file: the certificate, then its intermediates', 'a file').default(
      '/etc/curfew/tls/tls.crt',
    ),
    keyFile: text('PEM file: its key, unencrypted', 'a file').default('/etc/curfew/tls/tls.key'),
    reloadInterval: duration('how often both files are compared', '100ms', '1h').prefault('10s'),
  })
  .prefault({});
