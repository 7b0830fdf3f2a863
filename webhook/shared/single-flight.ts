/** Single-flight: concurrent requests for the same work share one promise, so the work is done once. */

/**
 * Start the work, or wait for the same work that is under way.
 * @param pending the work under way, by key; a key is removed when its work ends
 */
export function singleFlight<T>(
  pending: Map<string, Promise<T>>,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  const running = pending.get(key);
  if (running !== undefined) return running;
  const started = work().finally(() => pending.delete(key));
  pending.set(key, started);
  return started;
}

/**
 * Wait for shared work until `signal` is aborted. The work goes on.
 * @throws the signal's reason
 */
export function waitFor<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopWaiting = () => reject(signal.reason);
    // Without a handler, a failure after the abort would be an unhandled rejection.
    work.catch(() => {});
    if (signal.aborted) return stopWaiting();
    signal.addEventListener('abort', stopWaiting, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopWaiting));
  });
}
