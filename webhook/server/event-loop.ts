/**
 * The event loop's turns. Their length bounds how long a request waited before it was read.
 *
 * One turn reads what came during the turn before, or during this one, or while the loop slept. So a request that is read now waited at most
 * for the turn before and for this one so far; after a sleep, for this one alone. A timer that measures its own delay does not show that: it
 * does not run while a long turn lasts.
 */
export class EventLoop {
  /** Whether this turn's end is awaited. */
  private watching = false;
  private asked = false;
  private began = 0;
  /** The length of the turn before, in ms; 0 after a sleep. */
  private last = 0;

  /** The longest time that a request which is read now may have waited. @returns milliseconds */
  waited(): number {
    const turn = this.turn();
    return this.last + turn;
  }

  /** The time that this turn has taken so far. @returns milliseconds */
  turn(): number {
    const now = performance.now();
    if (!this.watching) {
      this.watching = true;
      this.began = now;
      this.last = 0;
      setImmediate(this.turned);
    }
    this.asked = true;
    return now - this.began;
  }

  /** Runs when this turn has read all that had come, and keeps the loop awake for the next turn. */
  private readonly turned = (): void => {
    this.watching = this.asked;
    if (!this.watching) return;
    const now = performance.now();
    this.last = now - this.began;
    this.began = now;
    this.asked = false;
    setImmediate(this.turned);
  };
}
