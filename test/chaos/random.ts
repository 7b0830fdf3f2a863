/** Numbers that a seed determines, whoever asks for them in the same order. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
    // Neighbouring seeds begin alike: let them drift apart.
    for (let i = 0; i < 8; i++) this.next();
  }

  /** At least 0, below 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True in so many of 100 cases. */
  chance(percent: number): boolean {
    return this.next() * 100 < percent;
  }

  /** One of these. */
  of<T>(first: T, ...rest: T[]): T {
    return [first, ...rest][this.whole(0, rest.length)] ?? first;
  }

  /** One of a list; undefined of an empty one. */
  from<T>(list: readonly T[]): T | undefined {
    return list[this.whole(0, list.length - 1)];
  }
}
