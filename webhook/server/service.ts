/**
 * The running service: the parts are made from the configuration, the servers listen, and at the end all is closed in order.
 */
import { once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import { type Config, policyOf } from '../config/config.ts';
import { VERSION } from '../decision/policy.ts';
import { bufferedOutput, createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { clusterVersion, namespaceSettings, reviewEvents, reviewImages } from './parts.ts';
import { buildServer } from './server.ts';
import { servingCertificate } from './serving-certificate.ts';
import { endWithGrace } from './shutdown.ts';

/**
 * Serve until the process is asked to end (SIGTERM, SIGINT) or cannot go on.
 * @returns the exit code
 * @throws where a port cannot be listened on
 */
export async function serve(config: Config): Promise<number> {
  const { stream, flush } = bufferedOutput();
  const log = createLog(config.log.level, stream);
  const metrics = createMetrics(VERSION);
  const closing = new AbortController();
  const { source: certificate, onLoaded } = await servingCertificate(config, log, metrics, closing.signal);
  const events = await reviewEvents(config, log, metrics, closing.signal);
  const policy = policyOf(config);
  const settings = await namespaceSettings(config, policy, { log, metrics, events }, closing.signal);
  const images = await reviewImages(config, metrics, closing.signal, settings?.imagesOf);
  const cluster = await clusterVersion(config, log, closing.signal);
  const servers = buildServer({
    policy,
    cluster,
    images,
    settings,
    log,
    metrics,
    config,
    certificate,
    events,
  });
  onLoaded(() => servers.useCertificate());
  const ended = endWithGrace(config, servers, { certificate, log, flush, events });
  try {
    await listen(servers.health, config.listen.healthPort, config.listen.host);
    await certificate.check();
    await listen(servers.webhook, config.listen.port, config.listen.host);
  } catch (error) {
    ended.uninstall();
    certificate.stop();
    closing.abort();
    await Promise.allSettled([servers.webhook.close(), servers.health.close()]);
    flush();
    throw error;
  }
  certificate.start();
  log.info(
    {
      version: VERSION,
      webhook: portOf(servers.webhook),
      health: portOf(servers.health),
      unready: certificate.unready(),
    },
    'serving',
  );
  const code = await ended.code;
  closing.abort();
  return code;
}

/** Listen on `host`. `::` takes IPv4 too; on a machine without IPv6 0.0.0.0 stands in for it. */
async function listen(app: FastifyInstance, port: number, host: string): Promise<void> {
  await app.ready();
  const { server } = app;
  const attempt = async (address: string) => {
    server.listen({ port, host: address });
    await once(server, 'listening');
  };
  try {
    await attempt(host);
  } catch (error) {
    const noIpv6 =
      error instanceof Error &&
      'code' in error &&
      (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL');
    if (!noIpv6 || host !== '::') throw error;
    await attempt('0.0.0.0');
  }
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
