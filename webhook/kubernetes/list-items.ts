/**
 * The items of a list, one at a time, while its text comes in: 500 pods parsed at once are 60 MB, and one is nothing. Pure.
 */
import { isRecord, type JsonRecord } from '../shared/json.ts';

/** More than any object: etcd's limit is 1.5 MiB. */
const MAX_ITEM_BYTES = 4 * 1024 * 1024;
/** All but the items: kind, resourceVersion, continue. */
const MAX_FRAME_BYTES = 64 * 1024;

const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];
const ITEMS = Buffer.from('"items"');

/** Takes the text of a list, which may be cut anywhere, and gives its items. It finds where each ends; JSON.parse judges it. */
export class ListItems {
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** Inside of the list of the top level that is called items. */
  private inItems = false;
  /** The last string of the top level. */
  private key: number[] = [];
  private item: Buffer[] = [];
  private itemBytes = 0;
  private readonly frame: Buffer[] = [];
  private frameBytes = 0;

  /**
   * @returns the items that are complete now
   * @throws {SyntaxError} for what is no JSON @throws {RangeError} for what is too long
   */
  push(chunk: Buffer): JsonRecord[] {
    const found: JsonRecord[] = [];
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (this.inString) {
        this.inside(byte);
        continue;
      }
      if (byte === QUOTE) {
        this.inString = true;
        if (this.depth === 1) this.key = [byte];
      } else if (byte === OPEN || byte === OPEN_LIST) {
        this.depth++;
        if (this.depth === 2 && byte === OPEN_LIST && ITEMS.equals(Buffer.from(this.key))) {
          this.toFrame(chunk.subarray(from, i + 1));
          from = i + 1;
          this.inItems = true;
        }
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        this.depth--;
        if (this.inItems && this.depth === 2) {
          this.toItem(chunk.subarray(from, i + 1));
          from = i + 1;
          found.push(...this.parsed());
        } else if (this.inItems && this.depth === 1) {
          this.inItems = false;
          from = i;
        }
      } else if (this.inItems && this.depth === 2) from = i + 1; // what parts the items
    }
    const rest = chunk.subarray(from);
    if (this.inItems) this.toItem(rest);
    else this.toFrame(rest);
    return found;
  }

  /** The list without its items. @throws {SyntaxError} */
  end(): JsonRecord {
    const value: unknown = JSON.parse(Buffer.concat(this.frame).toString('utf8'));
    if (!isRecord(value)) throw new SyntaxError('the list is no object');
    return value;
  }

  private inside(byte: number): void {
    if (this.depth === 1 && this.key.length <= ITEMS.length) this.key.push(byte);
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  private parsed(): JsonRecord[] {
    const value: unknown = JSON.parse(Buffer.concat(this.item).toString('utf8'));
    this.item = [];
    this.itemBytes = 0;
    return isRecord(value) ? [value] : [];
  }

  private toItem(piece: Buffer): void {
    this.itemBytes += piece.length;
    if (this.itemBytes > MAX_ITEM_BYTES) throw new RangeError('an object of the list is too long');
    this.item.push(piece);
  }

  private toFrame(piece: Buffer): void {
    this.frameBytes += piece.length;
    if (this.frameBytes > MAX_FRAME_BYTES) throw new RangeError('the list is too long beside its objects');
    this.frame.push(piece);
  }
}
