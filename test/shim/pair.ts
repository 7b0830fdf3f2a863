/** The smallest pod of real processes: one main, one sidecar. */
import type { Container } from './container.ts';
import type { Pod, PodOptions } from './pod.ts';

export const PAIR: PodOptions = { mains: ['m'], sidecars: ['s'] };

/** A script that makes a folder read-only in the mount namespace that it runs in. */
export const readOnly = (folder: string) =>
  `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`;

/** A sidecar and a main that run, the main until TERM, when it ends with 7. */
export async function pair(pod: Pod): Promise<{ sidecar: Container; main: Container }> {
  const sidecar = pod.start('s', pod.serve('s'));
  const main = pod.start('m', pod.serve('m', '10=7'));
  await pod.notes('m up');
  return { sidecar, main };
}
