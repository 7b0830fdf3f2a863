/**
 * The two servers: the webhook (TLS, `POST /mutate` and one path more for each mode, `routes.ts`) and, on a plain port, health and metrics.
 *
 * A body is parsed by JSON.parse alone (`reviewer.ts`): `__proto__` and `constructor` become plain own keys there, which
 * pollute nothing. fastify's own parser refuses them, and the user would see an error page for a pod that the API server
 * judges better; the patch touches no key that it does not know, so they survive as they are (rule W2).
 */
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import type { CertificateSource } from '../certificate/certificate.ts';
import type { Config } from '../config/schema.ts';
import type { ImageLookup } from '../decision/images.ts';
import type { ClusterVersion } from '../decision/mode.ts';
import type { Policy } from '../decision/policy.ts';
import { errorBody, fail, JSON_TYPE, reject } from './answer.ts';
import type { Events } from './events.ts';
import type { Log } from './log.ts';
import type { Metrics, RejectionCode } from './metrics.ts';
import type { SettingsOfNamespaces } from './namespace-settings.ts';
import { describeExcess, Overload } from './overload.ts';
import { createReviewer } from './reviewer.ts';
import { ROUTES } from './routes.ts';
import { limitStalls, refuseConnection, tlsOptions } from './socket-limits.ts';

export interface ServerParts {
  policy: Policy;
  /** The cluster as it is known now. Undefined: as the policy has it. */
  cluster?: (() => ClusterVersion) | undefined;
  images: ImageLookup;
  /** What namespaces set for their pods. Undefined where they set nothing. */
  settings?: Pick<SettingsOfNamespaces, 'policyOf' | 'unready'> | undefined;
  log: Log;
  metrics: Metrics;
  config: Config;
  certificate: CertificateSource;
  /** Undefined where none are written. */
  events?: Events | undefined;
}

export interface Servers {
  /** TLS: `POST /mutate`. */
  webhook: FastifyInstance;
  /** Plain: `GET /livez`, `/readyz`, `/metrics`. */
  health: FastifyInstance;
  /** From now on readiness fails, and every answer tells the client that its connection ends with it. */
  drain(): void;
  /** How many requests to the webhook wait for their answer. */
  reviews(): number;
  /** Hand the pair in use to the TLS server, for handshakes from now on. */
  useCertificate(): void;
}

/**
 * Build both servers; neither listens yet.
 */
export function buildServer(parts: ServerParts): Servers {
  let draining = false;
  const overload = new Overload(parts.config.limits, parts.log);
  const webhook = buildWebhook(parts, overload, () => draining);
  const health = buildHealth(parts.metrics, {
    unready: () => (draining ? 'shutting down' : (parts.certificate.unready() ?? parts.settings?.unready())),
    remark: () => parts.certificate.remark?.(),
  });
  return {
    webhook,
    health,
    drain: () => {
      draining = true;
    },
    reviews: () => overload.inWork,
    useCertificate: () => {
      const { server } = webhook;
      if ('setSecureContext' in server && typeof server.setSecureContext === 'function') {
        server.setSecureContext(tlsOptions(parts.certificate.current));
      }
    },
  };
}

function buildWebhook(parts: ServerParts, overload: Overload, draining: () => boolean): FastifyInstance {
  const { config, certificate, log, metrics } = parts;
  const { requestTimeout, bodyBytes } = config.limits;
  const answering = { ...parts, overload, draining };
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytes,
    requestTimeout,
    // For a peer that does not read its answer; one that does not send is answered by the request timeout.
    connectionTimeout: 2 * requestTimeout,
    // Longer than the 90 s for which the API server keeps an idle connection: a request fails that meets one which is being closed.
    keepAliveTimeout: 100_000,
    // Requests that come while the server closes are answered: a 503 would refuse pods.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, log),
    frameworkErrors: (error, request, reply) => {
      metrics.began();
      overload.count(request.raw);
      refuse(error, request, reply);
    },
    https: { ...tlsOptions(certificate.current), ...limitStalls(requestTimeout) },
  });
  const refuse = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const rejection = classify(error, bodyBytes);
    if (rejection === undefined) return fail(answering, request, reply, error);
    const { status, code, message } = rejection;
    return discardBody(request, code).then(() => reject(answering, request, reply, status, code, message));
  };
  app.server.maxConnections = config.limits.connections;
  app.server.on('drop', () => overload.note('connections'));
  app.addHook('onRequest', (request, reply, done) => {
    metrics.began();
    const excess = overload.enter(request.raw);
    if (excess === undefined) return done();
    // The rest of its body is read and thrown away: a client that is cut off while it sends may not get to read the answer.
    metrics.ended('rejected', 'overloaded');
    if (draining()) reply.header('connection', 'close');
    const retryAfter = overload.retryAfter();
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
    reply.code(503).header('content-type', JSON_TYPE);
    reply.send(errorBody(503, 'overloaded', describeExcess(excess)));
  });
  // Every other content type is refused before its body is read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler(refuse);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const known = ROUTES.some((route) => route.path === path);
    return known
      ? reject(answering, request, reply, 405, 'method-not-allowed', 'reviews are sent with POST')
      : reject(answering, request, reply, 404, 'not-found', 'this port serves POST /mutate and nothing else');
  });
  for (const route of ROUTES) app.post(route.path, createReviewer(answering, route));
  return app;
}

function buildHealth(
  metrics: Metrics,
  { unready, remark }: Required<Pick<CertificateSource, 'unready' | 'remark'>>,
): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: 1024, requestTimeout: 10_000, connectionTimeout: 10_000 });
  app.get('/livez', (_request, reply) => {
    reply.send({ status: 'ok' });
  });
  app.get('/readyz', (_request, reply) => {
    const reason = unready();
    if (reason === undefined) reply.send({ status: 'ok', remark: remark() });
    else reply.code(503).send({ status: 'unready', reason });
  });
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.text();
    return reply.type(metrics.contentType).send(text);
  });
  return app;
}

interface Rejection {
  status: number;
  code: RejectionCode;
  message: string;
}

/** fastify's errors that are the client's, in our words. @returns undefined for a fault of ours */
function classify(error: FastifyError, bodyBytes: number): Rejection | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { status: 413, code: 'body-too-large', message: `the body is longer than ${bodyBytes} bytes` };
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return {
        status: 415,
        code: 'unsupported-media-type',
        message: 'the body must be of content-type application/json',
      };
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    return { status, code: 'bad-request', message: 'the request is malformed or was cut off' };
  }
  return undefined;
}

/** Bytes of a too long body that are read, so that its sender gets the answer and not a reset. */
const MAX_DISCARDED = 64 * 1024 * 1024;

async function discardBody(request: FastifyRequest, code: string): Promise<void> {
  const { raw } = request;
  if (code !== 'body-too-large' || raw.complete || raw.destroyed) return;
  await new Promise<void>((resolve) => {
    let discarded = 0;
    raw.on('data', (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > MAX_DISCARDED) resolve();
    });
    raw
      .once('end', resolve)
      .once('error', () => resolve())
      .once('close', resolve);
    raw.resume();
  });
}
