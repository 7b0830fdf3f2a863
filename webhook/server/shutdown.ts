/** The graceful shutdown, from the signal to the exit code. */
import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import type { Config } from '../config/config.ts';
import { errorFields, type Log } from './log.ts';
import { OpenConnections } from './open-connections.ts';
import type { Servers } from './server.ts';

/** The parts beside the servers that are stopped. */
interface Parts {
  /** Stops at the signal. */
  certificate: { stop(): void };
  log: Log;
  /** The Events of the last reviews. */
  events: { settled(): Promise<void> } | undefined;
  /** Write the log's buffer. */
  flush(): void;
}

/** Between two checks for idle connections. */
const LOOK_MS = 100;
/** For the end of the Events and of the health server. */
const LAST_MS = 1_000;

/**
 * Install the signal handlers. At the first signal readiness fails, and each answer tells its client to connect anew; for
 * `shutdown.delay`, in which every client notices, reviews are taken as before; then the port closes, idle connections end, and the last
 * reviews are answered (`shutdown.gracePeriod`). A second signal ends the process at once.
 * @returns the exit code to come: 0, or 1 after an unexpected error (where a review is lost the process ends itself, with 1)
 */
export function endWithGrace(
  config: Config,
  servers: Servers,
  { certificate, log, flush, events }: Parts,
): { code: Promise<number>; uninstall: () => void } {
  const { delay: noticeTime, gracePeriod } = config.shutdown;
  let finish: (code: number) => void = () => {};
  const code = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const connections = new OpenConnections(servers.webhook.server);
  /** Log an end that loses reviews. */
  const giveUp = (message: string) => {
    log.error({ reviews: servers.reviews() }, message);
    flush();
  };
  const { uninstall } = closeWithGrace(
    {
      delay: noticeTime + gracePeriod + 3 * LAST_MS,
      logger: { error: (error: unknown) => log.error(errorFields(error), 'the end failed') },
      onTimeout: () => giveUp('the end takes too long: ending at once'),
      onSecondSignal: () => giveUp('second signal: ending at once'),
      onSecondError: (error: unknown) => {
        log.fatal(errorFields(error), 'unexpected error');
        giveUp('second error: ending at once');
      },
    },
    async ({ signal, err }) => {
      if (err !== undefined) log.fatal(errorFields(err), 'unexpected error');
      else log.info({ signal }, 'shutting down');
      servers.drain();
      // After an unexpected error no new requests are taken.
      if (err === undefined) await delay(noticeTime);
      await connections.endIdle();
      const inTime = await within(gracePeriod, servers.webhook.close(), () => connections.endIdle());
      if (!inTime) {
        giveUp('the grace period is over: ending without the last answers');
        servers.webhook.server.closeAllConnections();
      }
      // Only now: the last requests may need a handshake, and the handshake a certificate that is renewed.
      certificate.stop();
      await within(LAST_MS, events?.settled() ?? Promise.resolve(), async () => {});
      await within(LAST_MS, servers.health.close(), async () => {});
      log.info('ended');
      flush();
      // close-with-grace would exit with 0.
      if (!inTime) process.exit(1);
      finish(err === undefined ? 0 : 1);
    },
  );
  return { code, uninstall };
}

/** Call `meanwhile` again and again until `done` resolves or the time is over. @returns whether it came in time */
async function within(
  ms: number,
  done: PromiseLike<unknown>,
  meanwhile: () => Promise<void>,
): Promise<boolean> {
  const timer = setInterval(meanwhile, LOOK_MS);
  const late = new AbortController();
  try {
    return await Promise.race([done.then(() => true), delay(ms, false, { ref: false, signal: late.signal })]);
  } finally {
    clearInterval(timer);
    late.abort();
  }
}
