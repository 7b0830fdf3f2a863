/** One HTTP request and its answer, which is bounded in size. */
import {
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { RegistryError } from './error.ts';

/** A request. */
export interface HttpCall {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** The longest body of a success; a longer one is an error. Of any other status 16 KiB are read. */
  maxBytes: number;
  /** The server's name in errors: `registry ghcr.io`. */
  server: string;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** How much of an error's body is read. */
const MAX_ERROR_BYTES = 16 * 1024;
/** Connections to one host. Further requests wait. */
export const MAX_SOCKETS = 16;

/**
 * Send a request. The server may close an idle connection just when it is used again, and the request is then sent on another one.
 * @throws the error of node:http, or RegistryError where the answer is too long
 */
export async function exchange(
  call: HttpCall,
  agent: HttpAgent | HttpsAgent,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(call, agent, signal);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      if (attempt > MAX_SOCKETS) throw error.cause;
    }
  }
}

class StaleConnection extends Error {}

function send(call: HttpCall, agent: HttpAgent | HttpsAgent, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = call.url.protocol === 'http:' ? httpRequest : httpsRequest;
    const { method, headers, body } = call;
    const outgoing = request(call.url, {
      method,
      agent,
      signal,
      headers: { 'user-agent': 'curfew', ...headers },
    });
    let answered = false;
    outgoing.on('error', (cause) => {
      const stale = !answered && outgoing.reusedSocket && 'code' in cause && cause.code === 'ECONNRESET';
      reject(stale ? new StaleConnection('', { cause }) : cause);
    });
    outgoing.on('response', (response) => {
      answered = true;
      const status = response.statusCode ?? 0;
      const take = { status, headers: response.headers };
      read(response, call, status).then((body) => resolve({ ...take, body }), reject);
    });
    outgoing.end(body);
  });
}

async function read(response: IncomingMessage, call: HttpCall, status: number): Promise<Buffer> {
  const success = status >= 200 && status < 300;
  const limit = success ? call.maxBytes : MAX_ERROR_BYTES;
  const chunks: Buffer[] = [];
  let length = 0;
  const tooLong = () =>
    new RegistryError('image-unusable', `${call.server} sent more than ${limit} bytes where less belongs`);
  // A length that is too long is refused before anything is read.
  if (call.method !== 'HEAD' && success && Number(response.headers['content-length'] ?? 0) > limit) {
    response.destroy();
    throw tooLong();
  }
  // Leaving the loop closes the connection.
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > limit) {
      if (success) throw tooLong();
      break;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
