/**
 * The event loop's turns, from which follows how long what is read from a socket now may have waited to be read.
 *
 * One turn of the event loop reads what came during the turn before, or during this one, or while the loop slept. So what is read
 * now waited at most for the turn before and for this one so far; after a sleep, for this one alone. A timer that measures its own delay
 * could not tell: it does not come to its turn while a long one lasts.
 */
export class EventLoop {
  /** Whether this turn's end is awaited. */
  private watching = false;
  private asked = false;
  private began = 0;
  /** How long the turn before took; 0 after a sleep. */
  private last = 0;

  /** How long what is read now may have waited, at most. @returns milliseconds */
  waited(): number {
    const turn = this.turn();
    return this.last + turn;
  }

  /** How long this turn has taken so far. @returns milliseconds */
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

  /** Runs when all that was there to be read has been, and keeps the loop awake for the next turn. */
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
