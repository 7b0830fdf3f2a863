/**
 * The webhook's yardstick: a fastify route on TLS that parses the same body and answers `{}`. It has its health on a plain port, as the
 * webhook has.
 *
 * bare-route CERT KEY PORT HEALTH_PORT
 */
import { readFileSync } from 'node:fs';
import { fastify } from 'fastify';

const [cert = '', key = '', port, healthPort] = process.argv.slice(2);
const host = '127.0.0.1';

const webhook = fastify({ https: { cert: readFileSync(cert), key: readFileSync(key) } });
webhook.post('/mutate', (_request, reply) => {
  reply.send({});
});
const health = fastify();
health.get('/readyz', (_request, reply) => {
  reply.send({ status: 'ok' });
});
await webhook.listen({ host, port: Number(port) });
await health.listen({ host, port: Number(healthPort) });
