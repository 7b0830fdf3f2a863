/** Waiting for events in tests: ask until the answer is there, and fail by name when it never comes. */
import { setTimeout as pause } from 'node:timers/promises';

/** How many times longer anything may take than on an ordinary machine. */
export const SLOWNESS = Number(process.env.CURFEW_SLOWNESS ?? 1);
/** Far longer than anything here takes, even under emulation on a busy machine. */
const DEADLINE = 30_000 * SLOWNESS;
const ASK_EVERY = 4;

/**
 * Ask until there is an answer.
 * @param what what is waited for, as the failure names it
 * @param context said with the failure: what was seen instead
 * @throws {Error} after 30 s times CURFEW_SLOWNESS
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined,
  context: () => string = () => '',
): Promise<T> {
  const start = performance.now();
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (performance.now() - start > DEADLINE) throw new Error(`waited in vain for ${what}\n${context()}`);
    await pause(ASK_EVERY);
  }
}

/**
 * Wait for a promise, but not for ever.
 * @param what what is waited for, as the failure names it
 * @throws {Error} after 30 s times CURFEW_SLOWNESS
 */
export async function within<T>(what: string, event: Promise<T>, context: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}\n${context()}`)), DEADLINE);
  });
  try {
    return await Promise.race([event, late]);
  } finally {
    clearTimeout(timer);
  }
}
