/**
 * Requests to the API server, bounded in size and time.
 *
 * Of `@kubernetes/client-node` only KubeConfig is used, by its own file: where the API server is, whom it is trusted by, and
 * tokens that are read again as the kubelet renews them. Beside it stands Node's own https. Measured over a bare Node
 * (52 MB resident), bundled: with the generated classes of two API groups 34 MB more and a bundle of 3.0 MB, KubeConfig
 * alone 28 MB and 1.7 MB, without what is never called of it (see bundle-omissions.ts) 11 MB and 0.1 MB.
 */
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { KubernetesError, refusal } from './error.ts';

/** A request; `path` with its query. */
export interface KubernetesRequest {
  /** Verb, resource and name, for messages. */
  action: string;
  method: 'GET' | 'POST' | 'PATCH';
  path: string;
  contentType?: string;
  body?: JsonRecord;
  /** Whether 404 is an answer, and no error. */
  absent?: boolean;
  /** Milliseconds until the whole answer must be there. */
  deadline: number;
}

export interface KubernetesRequests {
  /** @returns the object; undefined for a 404 that was allowed @throws {KubernetesError} */
  json(request: KubernetesRequest): Promise<JsonRecord | undefined>;
  /**
   * Read an answer that goes on, without keeping it: `received` is called when it begins and with each piece.
   * @returns at its end, or when `signal` ended it @throws {KubernetesError}
   */
  stream(request: KubernetesRequest, received: () => void, signal: AbortSignal): Promise<void>;
}

/** The API server's own limit for a request is 3 MiB (etcd's 1.5 twice over); an object with base64 and managedFields fits. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * @param closing ends every request
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
      // Without the cause: a parser quotes what it reads, and that holds keys.
      throw new KubernetesError(
        'no-cluster',
        action,
        'the file that KUBECONFIG names cannot be read as a kubeconfig',
      );
    }
    const lacking = config.getCurrentCluster()?.proxyUrl !== undefined ? 'proxy-url' : undefined;
    const unsupported = config.getCurrentUser()?.authProvider !== undefined ? 'auth-provider' : lacking;
    if (unsupported !== undefined) {
      throw new KubernetesError(
        'no-cluster',
        action,
        `the kubeconfig's ${unsupported} is not supported: use a token, a client certificate or exec, and no proxy`,
      );
    }
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || !URL.canParse(server)) {
    throw new KubernetesError('no-cluster', action, 'the kubeconfig has no current cluster with a server');
  }
  const send = (asked: KubernetesRequest, ...signals: AbortSignal[]) =>
    open(config, server, asked, AbortSignal.any(closing === undefined ? signals : [...signals, closing]));
  return {
    json: async (asked) => {
      const deadline = AbortSignal.timeout(asked.deadline);
      try {
        const response = await send(asked, deadline);
        const text = await readBounded(response, asked.action);
        const { statusCode = 500 } = response;
        const object = parseJsonObject(text);
        if (statusCode === 404 && asked.absent === true) return undefined;
        if (statusCode >= 300) throw refusal(asked.action, statusCode, reasonOf(object));
        if (object !== undefined) return object;
        throw new KubernetesError('malformed', asked.action, 'the answer is no JSON object');
      } catch (error) {
        throw explain(error, asked, deadline);
      }
    },
    stream: async (asked, received, stop) => {
      const deadline = AbortSignal.timeout(asked.deadline);
      try {
        const response = await send(asked, deadline, stop);
        const { statusCode = 500 } = response;
        if (statusCode >= 300) {
          throw refusal(
            asked.action,
            statusCode,
            reasonOf(parseJsonObject(await readBounded(response, asked.action))),
          );
        }
        received();
        for await (const _piece of response) received();
      } catch (error) {
        if (stop.aborted) return;
        throw explain(error, asked, deadline);
      }
    },
  };
}

/** Send, and wait for the answer's head. */
async function open(
  config: KubeConfig,
  server: string,
  { method, path, contentType, body }: KubernetesRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const options: RequestOptions = {};
  // The token and the authority's certificate, from their files as they are now.
  await config.applyToHTTPSOptions(options);
  // A connection for each call: there are few of them, and one that was kept may be gone when it is needed.
  const { agent: _agent, ...trust } = options;
  const headers = {
    ...trust.headers,
    accept: 'application/json',
    'user-agent': 'curfew',
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }),
  };
  const base = new URL(server);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base),
      { ...trust, headers, method, signal, agent: false },
      resolve,
    );
    // A watch is silent for minutes; a node that went away says nothing at all.
    outgoing.on('socket', (socket) => socket.setKeepAlive(true, 30_000));
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

async function readBounded(response: IncomingMessage, action: string): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response) {
    if (!Buffer.isBuffer(piece)) continue;
    length += piece.length;
    if (length > MAX_ANSWER_BYTES) {
      throw new KubernetesError('malformed', action, `the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** A Status's `reason`, a word such as `Forbidden`. Its message may quote what was sent, and stays here. */
function reasonOf(status: JsonRecord | undefined): string | undefined {
  const reason = status === undefined ? undefined : member(status, 'reason');
  return typeof reason === 'string' && /^[A-Za-z]{1,64}$/.test(reason) ? reason : undefined;
}

function explain(error: unknown, { action, deadline }: KubernetesRequest, timer: AbortSignal) {
  if (error instanceof KubernetesError) return error;
  if (timer.aborted) return new KubernetesError('timeout', action, `no answer within ${deadline} ms`);
  const code = error instanceof Error && 'code' in error ? String(error.code).slice(0, 64) : 'unknown error';
  if (code === 'ENOENT' || code === 'EACCES') {
    const way = "is the service account's token mounted (automountServiceAccountToken)?";
    return new KubernetesError(
      'unauthorized',
      action,
      `the credentials' files cannot be read (${code}): ${way}`,
    );
  }
  return new KubernetesError('unreachable', action, `the API server cannot be reached (${code})`);
}
