/** How a shim ends that cannot do its work. */
import host from 'host';
import { HostError } from './errors.ts';
import { UsageError } from './flags.ts';
import { EXIT_UNUSABLE } from './lifecycle.ts';
import { leaveMessage } from './termination-message.ts';
import { flushWords, say } from './voice.ts';

/**
 * Say why, and end. A bug is the engine's to tell of, with its stack.
 * @param path where its last words go ({@link leaveMessage})
 */
export function failed(error: unknown, path: string | undefined): never {
  if (!(error instanceof UsageError) && !(error instanceof HostError)) throw error;
  say(error.message);
  flushWords();
  leaveMessage(error.message, path);
  return host.exit(EXIT_UNUSABLE);
}
