/**
 * A least-recently-used cache with a bound on its entries and one on its bytes.
 *
 * Not the package lru-cache, because that allocates all entries beforehand. With the default of 20,000 `images.cache.entries` each
 * webhook would hold 2.3 MB of empty lists, and 137 MB with the largest value that may be configured; this cache holds nothing
 * until it is used. (Measured: lru-cache 11.5.3, four caches with a `maxSize`; it also adds 19 kB to the bundle.)
 */

export interface CacheBounds {
  entries: number;
  /** Keys, values and the overhead of each entry together. A value's size is what the caller says. */
  bytes: number;
}

interface Entry<V> {
  value: V;
  bytes: number;
}

/** What an entry takes besides the text of its key and its value (measured: a Map of 10,000 such records). */
const OVERHEAD_BYTES = 160;

export class BoundedCache<V> {
  private readonly bounds: CacheBounds;
  /** A Map keeps the order of insertion, and an entry is inserted again when it is used, so the first is the oldest. */
  private readonly entries = new Map<string, Entry<V>>();
  private used = 0;

  constructor(bounds: CacheBounds) {
    this.bounds = bounds;
  }

  get(key: string): V | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** @param size the value's, in bytes or characters. A value above the bound is not kept */
  set(key: string, value: V, size: number): void {
    this.delete(key);
    const bytes = key.length + size + OVERHEAD_BYTES;
    if (bytes > this.bounds.bytes) return;
    this.entries.set(key, { value, bytes });
    this.used += bytes;
    for (const [oldest] of this.entries) {
      if (this.entries.size <= this.bounds.entries && this.used <= this.bounds.bytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.used -= entry.bytes;
    this.entries.delete(key);
  }

  get size(): number {
    return this.entries.size;
  }

  get bytes(): number {
    return this.used;
  }
}
