/**
 * What a connection may cost: TLS's floor, and an end to connections that stall in the handshake, in the headers or
 * in the body.
 */

import type { ServerOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Certificate } from '../certificate/certificate.ts';
import type { Log } from './log.ts';

/**
 * The secure context's options; every exchange of the certificate must give all of them again.
 */
export function tlsOptions(certificate: Certificate | undefined): SecureContextOptions {
  const { cert, key } = certificate ?? {};
  return { minVersion: 'TLSv1.2', ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

/**
 * Options of node's server that close a connection which does not get on. Node looks at its connections only every
 * 30 s by default, so a timeout of less would mean nothing.
 */
export function limitStalls(requestTimeout: number): ServerOptions & TlsOptions {
  return {
    requestTimeout,
    headersTimeout: requestTimeout,
    handshakeTimeout: requestTimeout,
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, Math.floor(requestTimeout / 4))),
  };
}

/** How long a peer may take to read why it is hung up on. */
const LAST_WORD_MS = 1_000;

/**
 * Answer a connection whose bytes are no HTTP, or that stalled, as far as it still listens; then close it.
 */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex, log: Log): void {
  const { code = 'unknown' } = error;
  log.debug({ code }, 'connection refused');
  // Only where HTTP has begun is there somebody to answer: what is written into a handshake that never ends waits for
  // ever, and the socket with it.
  if (!socket.writable || !(code.startsWith('HPE_') || code.startsWith('ERR_HTTP_'))) {
    socket.destroy();
    return;
  }
  const [status, name, message] =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'timed-out', 'the request was not complete in time']
      : code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'bad-request', 'the headers are too long']
        : ['400 Bad Request', 'bad-request', 'that is no HTTP request'];
  const body = JSON.stringify({ error: { code: name, message } });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
  // A peer that does not read must not keep the socket.
  setTimeout(() => socket.destroy(), LAST_WORD_MS).unref();
}
