/**
 * The API server's version, asked at start and then every few minutes (N7). Any client may: ClusterRole system:public-info-viewer is bound to
 * all, signed in or not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterVersion, Minor } from '../decision/mode.ts';
import { kubernetesErrorFields, type Log } from './log.ts';

/** Milliseconds. An upgrade of a control plane takes minutes, and nothing is wrong while the older version is believed. */
const PERIOD = 5 * 60_000;
const RETRY = 15_000;

/** @returns the minor version @throws where the API server does not say it */
export type ReadVersion = () => Promise<Minor>;

/**
 * Ask once, and then again and again until `closing`.
 * @param leastKubelet the configuration's
 * @returns the version as it was last heard, when the first question is answered or has failed
 */
export async function watchVersion(
  read: ReadVersion,
  leastKubelet: Minor | undefined,
  log: Log,
  closing: AbortSignal,
): Promise<() => ClusterVersion> {
  let server: Minor | undefined;
  let failing = false;
  const ask = async (): Promise<number> => {
    try {
      const heard = await read();
      if (heard !== server) log.info({ kubernetes: `1.${heard}` }, 'API server version');
      server = heard;
      failing = false;
      return PERIOD;
    } catch (error) {
      if (!failing && !closing.aborted)
        log.warn(
          { known: server !== undefined, ...kubernetesErrorFields(error) },
          'API server version not read',
        );
      failing = true;
      return RETRY;
    }
  };
  const again = async (first: number): Promise<void> => {
    for (let wait = first; !closing.aborted; wait = await ask())
      await sleep(wait, undefined, { signal: closing, ref: false }).catch(() => {});
  };
  void again(await ask());
  return () => ({ server, leastKubelet });
}
