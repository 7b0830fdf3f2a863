/** A memory that ends: entries and bytes are bounded, and what was not asked for longest goes first. */

export interface CacheBounds {
  entries: number;
  /** What the callers say that the values take, and the keys. */
  bytes: number;
}

interface Held<V> {
  value: V;
  bytes: number;
}

/** What an entry costs beside its key's and its value's text (measured: 10,000 entries of a Map of such records). */
const OVERHEAD = 160;

/** A least-recently-used cache. Times are its users' business. */
export class BoundedCache<V> {
  private readonly bounds: CacheBounds;
  /** The one that was used last stands last. */
  private readonly held = new Map<string, Held<V>>();
  private taken = 0;

  constructor(bounds: CacheBounds) {
    this.bounds = bounds;
  }

  get(key: string): V | undefined {
    const found = this.held.get(key);
    if (found === undefined) return undefined;
    this.held.delete(key);
    this.held.set(key, found);
    return found.value;
  }

  /** @param size of the value, in bytes or characters; what alone is above the bound is not kept */
  set(key: string, value: V, size: number): void {
    this.delete(key);
    const bytes = key.length + size + OVERHEAD;
    if (bytes > this.bounds.bytes) return;
    this.held.set(key, { value, bytes });
    this.taken += bytes;
    for (const [oldest] of this.held) {
      if (this.held.size <= this.bounds.entries && this.taken <= this.bounds.bytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const found = this.held.get(key);
    if (found === undefined) return;
    this.taken -= found.bytes;
    this.held.delete(key);
  }

  get size(): number {
    return this.held.size;
  }

  get bytes(): number {
    return this.taken;
  }
}
