/** Work that many want is done once: who comes while it goes on gets the same promise. */

/**
 * @param pending the work that goes on, by key; the key is gone when it ends
 */
export function join<T>(pending: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const running = pending.get(key);
  if (running !== undefined) return running;
  const started = work().finally(() => pending.delete(key));
  pending.set(key, started);
  return started;
}

/**
 * Wait for work that others wait for too, until the own signal says no more; the work goes on.
 * @throws the signal's reason
 */
export function waitFor<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    // Its failure is for those who still wait.
    work.catch(() => {});
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
