/**
 * A container's termination message: what `kubectl describe pod` shows of an end. The kubelet mounts a file of this container alone at
 * terminationMessagePath, empty at each start, and reads it when the container has ended.
 */
import host from 'host';
import { MESSAGE_PATH, NO_MESSAGE } from './paths.ts';
import { lineOf } from './voice.ts';

/**
 * Leave the last words there, where the command has written nothing: one line. It is for information alone, so a failure changes nothing.
 * The path may lead through a volume, whose names other containers can change: no link on it is followed, and only a regular file is opened.
 * @param path as `--termination-message` says it
 */
export function leaveMessage(text: string, path = MESSAGE_PATH): void {
  if (path === NO_MESSAGE) return;
  const fd = host.open(path, 'm');
  if (fd < 0) return;
  if (host.read(fd, 1) === '') host.write(fd, lineOf(text), 0);
  host.close(fd);
}
