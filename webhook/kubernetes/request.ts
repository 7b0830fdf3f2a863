/**
 * Requests to the API server, with bounds on size and time.
 *
 * Of `@kubernetes/client-node` only KubeConfig is imported, from its own file: it gives the address, the authority, and the token,
 * which it reads again as the kubelet renews it. Requests are sent with Node's own https. Measured in a bundle, in addition to Node's
 * own 52 MB of resident memory: with the generated classes of two API groups 34 MB, and a bundle of 3.0 MB; with KubeConfig alone
 * 28 MB and 1.7 MB; without the packages that are never called (bundle-omissions.ts) 11 MB and 0.1 MB.
 */
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { type Caller, KubernetesError, refusal, THE_WEBHOOK } from './error.ts';

/** A request; `path` with its query. */
export interface KubernetesRequest {
  /** Verb, resource and name, for messages: `get secrets/curfew-tls in namespace curfew`. */
  action: string;
  method: 'GET' | 'POST' | 'PATCH';
  path: string;
  contentType?: string;
  body?: JsonRecord;
  /** Whether 404 is no error. */
  absent?: boolean;
  /** The limit for the whole answer, in milliseconds. */
  deadline: number;
  /** The limit for the whole answer, in bytes; by default that of one object. */
  most?: number;
}

export interface KubernetesRequests {
  /** @returns the object; undefined for a 404, where `absent` is set @throws {KubernetesError} */
  json(request: KubernetesRequest): Promise<JsonRecord | undefined>;
  /**
   * Read an answer without end, such as a watch, and keep nothing of it. `begun` is called when it begins, `received` for each part.
   * @param received may throw a {@link KubernetesError}, which ends the request
   * @returns when it ends, or `signal` is aborted @throws {KubernetesError}
   */
  stream(
    request: KubernetesRequest,
    parts: { begun(): void; received(piece: Buffer): void },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface PlainRequests extends KubernetesRequests {
  /** @returns the answer as it came, such as a log @throws {KubernetesError} */
  text(request: KubernetesRequest): Promise<string>;
  /** @returns the answer's bytes as they come @throws {KubernetesError} */
  pieces(request: KubernetesRequest): AsyncGenerator<Buffer>;
}

/** More than any object: the API server's own limit for a request is 3 MiB, twice etcd's limit of 1.5 MiB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Read the kubeconfig, or the service account's files in a pod. No request is sent yet.
 * @param closing ends all requests
 * @throws {KubernetesError} `no-cluster`
 */
export function connect(env: NodeJS.ProcessEnv, closing?: AbortSignal): KubernetesRequests {
  const config = new KubeConfig();
  const action = 'find the API server';
  if (env.KUBERNETES_SERVICE_HOST !== undefined && env.KUBERNETES_SERVICE_PORT !== undefined) {
    config.loadFromCluster();
  } else if (env.KUBECONFIG === undefined || env.KUBECONFIG === '') {
    throw new KubernetesError(
      'no-cluster',
      action,
      'this is no pod (KUBERNETES_SERVICE_HOST is not set), and KUBECONFIG names no file',
    );
  } else {
    try {
      config.loadFromFile(env.KUBECONFIG);
    } catch {
      // Without the cause: a parser's message may quote a key.
      throw new KubernetesError(
        'no-cluster',
        action,
        'the file that KUBECONFIG names cannot be read as a kubeconfig',
      );
    }
    const unsupported = unsupportedIn(config);
    if (unsupported !== undefined) throw new KubernetesError('no-cluster', action, unsupported);
  }
  return requestsOver(config, THE_WEBHOOK, closing);
}

/** What keeps the current context of a kubeconfig from being used: a clause. */
export function unsupportedIn(config: KubeConfig): string | undefined {
  const lacking = config.getCurrentCluster()?.proxyUrl !== undefined ? 'proxy-url' : undefined;
  const unsupported = config.getCurrentUser()?.authProvider !== undefined ? 'auth-provider' : lacking;
  return unsupported === undefined
    ? undefined
    : `the kubeconfig's ${unsupported} is not supported: use a token, a client certificate or exec, and no proxy`;
}

/**
 * Requests to the current cluster of a kubeconfig.
 * @param caller in whose words errors are explained
 * @param closing ends all requests
 * @throws {KubernetesError} `no-cluster`
 */
export function requestsOver(config: KubeConfig, caller: Caller, closing?: AbortSignal): PlainRequests {
  const action = 'find the API server';
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || !URL.canParse(server)) {
    throw new KubernetesError('no-cluster', action, 'the kubeconfig has no current cluster with a server');
  }
  if (new URL(server).protocol !== 'https:')
    throw new KubernetesError('no-cluster', action, "the kubeconfig's server is no https URL");
  const refused = (asked: KubernetesRequest, status: number, text: string) => {
    const object = parseJsonObject(text);
    return refusal(
      asked.action,
      status,
      reasonOf(object),
      caller,
      caller.hears ? messageOf(object) : undefined,
    );
  };
  const send = (asked: KubernetesRequest, ...signals: AbortSignal[]) =>
    open(config, server, asked, AbortSignal.any(closing === undefined ? signals : [...signals, closing]));
  return {
    json: async (asked) => {
      const deadline = AbortSignal.timeout(asked.deadline);
      try {
        const response = await send(asked, deadline);
        const text = await readBounded(response, asked);
        const { statusCode = 500 } = response;
        if (statusCode === 404 && asked.absent === true) return undefined;
        if (statusCode >= 300) throw refused(asked, statusCode, text);
        const object = parseJsonObject(text);
        if (object !== undefined) return object;
        throw new KubernetesError('malformed', asked.action, 'the answer is not a JSON object');
      } catch (error) {
        throw explain(error, asked, deadline, caller);
      }
    },
    stream: async (asked, { begun, received }, stop) => {
      const deadline = AbortSignal.timeout(asked.deadline);
      try {
        const response = await send(asked, deadline, stop);
        const { statusCode = 500 } = response;
        if (statusCode >= 300) {
          throw refused(asked, statusCode, await readBounded(response, asked));
        }
        begun();
        for await (const piece of response) if (Buffer.isBuffer(piece)) received(piece);
      } catch (error) {
        if (stop.aborted) return;
        throw explain(error, asked, deadline, caller);
      }
    },
    text: async (asked) => {
      const deadline = AbortSignal.timeout(asked.deadline);
      try {
        const response = await send(asked, deadline);
        const text = await readBounded(response, asked);
        const { statusCode = 500 } = response;
        if (statusCode >= 300) throw refused(asked, statusCode, text);
        return text;
      } catch (error) {
        throw explain(error, asked, deadline, caller);
      }
    },
    pieces: async function* (asked) {
      const deadline = AbortSignal.timeout(asked.deadline);
      try {
        const response = await send(asked, deadline);
        const { statusCode = 500 } = response;
        if (statusCode >= 300) throw refused(asked, statusCode, await readBounded(response, asked));
        for await (const piece of response) if (Buffer.isBuffer(piece)) yield piece;
      } catch (error) {
        throw explain(error, asked, deadline, caller);
      }
    },
  };
}

/** Send a request, and wait for the head of the answer. */
async function open(
  config: KubeConfig,
  server: string,
  { method, path, contentType, body }: KubernetesRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const trust = await trustOf(config);
  const headers = {
    ...trust.headers,
    accept: 'application/json',
    'user-agent': 'curfew',
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      urlOf(server, path),
      { ...trust, headers, method, signal, agent: false },
      resolve,
    );
    // A watch may be idle for minutes. Keep-alive finds out when the other side is gone.
    outgoing.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

/** The authority to trust, and the credentials. They are read from their files each time. */
export async function trustOf(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  // A new connection for each call: calls are few, and a kept connection may have been closed meanwhile.
  const { agent: _agent, ...trust } = options;
  return trust;
}

/** A path of the API on a server that may have a path of its own. */
export function urlOf(server: string, path: string): URL {
  const base = new URL(server);
  return new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base);
}

async function readBounded(
  response: IncomingMessage,
  { action, most = MAX_ANSWER_BYTES }: KubernetesRequest,
): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response) {
    if (!Buffer.isBuffer(piece)) continue;
    length += piece.length;
    if (length > most)
      throw new KubernetesError('too-long', action, `the answer is longer than ${most} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** A Status's `reason`, a word such as `Forbidden`. Its message is for a person only, because it may quote what was sent. */
function reasonOf(status: JsonRecord | undefined): string | undefined {
  const reason = status === undefined ? undefined : member(status, 'reason');
  return typeof reason === 'string' && /^[A-Za-z]{1,64}$/.test(reason) ? reason : undefined;
}

function messageOf(status: JsonRecord | undefined): string | undefined {
  const message = status === undefined ? undefined : member(status, 'message');
  return typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : undefined;
}

/** More than any of the API server's own sentences. */
const MAX_MESSAGE = 2_000;

function explain(
  error: unknown,
  { action, deadline }: KubernetesRequest,
  timer: AbortSignal,
  caller: Caller,
) {
  if (error instanceof KubernetesError) return error;
  if (timer.aborted) return new KubernetesError('timeout', action, `no answer within ${deadline} ms`);
  const code = error instanceof Error && 'code' in error ? String(error.code).slice(0, 64) : 'unknown error';
  if (code === 'ENOENT' || code === 'EACCES') {
    return new KubernetesError(
      'unauthorized',
      action,
      `the credentials' files cannot be read (${code}): ${caller.noFiles}`,
    );
  }
  return new KubernetesError('unreachable', action, `the API server cannot be reached (${code})`);
}
