/** The node's containers, as containerd knows them. */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';

const STATE = process.env.STATE ?? '';

/** Process 1 of a container. @throws where it does not run */
export function processOf(container: string): number {
  const { CONTAINERD = '' } = process.env;
  const ctr = CONTAINERD === '' ? 'ctr' : join(dirname(CONTAINERD), 'ctr');
  const socket = join(STATE, 'containerd.sock');
  const tasks = execFileSync(ctr, ['-a', socket, '-n', 'k8s.io', 'task', 'ls'], { encoding: 'utf8' });
  const row = tasks.split('\n').find((line) => line.startsWith(container));
  const [, pid, status] = row?.split(/\s+/) ?? [];
  if (pid === undefined || status !== 'RUNNING') throw new Error(`${container} is not running: ${tasks}`);
  return Number(pid);
}
