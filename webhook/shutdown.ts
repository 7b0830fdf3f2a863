/**
 * The end of the service: what happens between the signal and the exit code.
 */
import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { CertificateFiles } from './certificates.ts';
import type { Config } from './config.ts';
import { errorFields, type Log } from './log.ts';
import type { Servers } from './server.ts';

/**
 * The end, in order: readiness fails, clients notice, the last requests are answered, the ports close.
 */
export function endWithGrace(
  config: Config,
  servers: Servers,
  certificate: CertificateFiles,
  log: Log,
  flush: () => void,
): { code: Promise<number>; uninstall: () => void } {
  const { delay: noticeTime, gracePeriod } = config.shutdown;
  let finish: (code: number) => void = () => {};
  const code = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const { uninstall } = closeWithGrace(
    {
      delay: noticeTime + gracePeriod + 1_000,
      logger: { error: () => log.error('the grace period is over, or a second signal came: ending at once') },
      onTimeout: flush,
      onSecondSignal: flush,
      onSecondError: flush,
    },
    async ({ signal, err }) => {
      if (err !== undefined) log.fatal(errorFields(err), 'unexpected error');
      else log.info({ signal }, 'shutting down');
      servers.drain();
      certificate.stop();
      // After an unexpected error nothing is sure: no new requests then.
      if (err === undefined) await delay(noticeTime);
      await Promise.race([servers.webhook.close(), delay(gracePeriod, undefined, { ref: false })]);
      await servers.health.close();
      log.info('ended');
      flush();
      finish(err === undefined ? 0 : 1);
    },
  );
  return { code, uninstall };
}
