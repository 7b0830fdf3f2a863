/**
 * The limits of a connection: the lowest TLS version, and timeouts for connections that stall in the handshake, the headers or the
 * body.
 */

import type { ServerOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Certificate } from '../certificate/certificate.ts';
import type { Log } from './log.ts';

/** The secure context's options. Each exchange of the certificate replaces all of them. */
export function tlsOptions(certificate: Certificate | undefined): SecureContextOptions {
  const { cert, key } = certificate ?? {};
  return { minVersion: 'TLSv1.2', ...(cert === undefined || key === undefined ? {} : { cert, key }) };
}

/**
 * Options of Node's server that close a stalled connection. By default Node checks its connections every 30 s, which would round up any
 * shorter timeout.
 * @param requestTimeout milliseconds
 */
export function limitStalls(requestTimeout: number): ServerOptions & TlsOptions {
  return {
    requestTimeout,
    headersTimeout: requestTimeout,
    handshakeTimeout: requestTimeout,
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, Math.floor(requestTimeout / 4))),
  };
}

/** The time that a peer has to read why its connection is closed, in ms. */
const LINGER_MS = 1_000;

/** Answer a connection whose bytes are no HTTP, or that stalled, where HTTP has begun; then close it. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex, log: Log): void {
  const { code = 'unknown' } = error;
  log.debug({ code }, 'connection refused');
  // An answer that is written into an unfinished handshake waits for ever, and the socket with it.
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
  // A peer that does not read does not keep the socket open.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
