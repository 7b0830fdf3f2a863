/**
 * The answers to recent reviews, for the next review that says the same.
 *
 * Pods come in bursts from one template (a Job's parallelism, retries, a rollout), and their reviews are the same bytes but for
 * what no decision reads: uids, times, the random end of the token volume's name. Such a review is known by its text alone, before it
 * is parsed, which is two thirds of what a review costs. Whatever else differs is decided anew.
 */
import type { ReviewRequest } from './admission-review.ts';
import type { PodAnswer } from './reviewer.ts';

/** A review that was answered. */
export interface AnsweredReview {
  asked: ReviewRequest;
  answer: PodAnswer;
}

interface Kept extends AnsweredReview {
  /** The review's text; what may vary is overwritten by whichever review is compared with it. */
  text: Buffer;
  /** Where what may vary freely begins, and how long it is; the first is the review's own uid. */
  varying: [number, number][];
  /** Where the random letters of the token volume's name begin: the same letters everywhere. */
  tokens: number[];
}

/** Lengths of reviews that are remembered, reviews of each, and the longest: 4 MiB in all. */
const MAX_LENGTHS = 32;
const MAX_ALIKE = 2;
const MAX_BYTES = 64 * 1024;

const TOKEN_VOLUME = 'kube-api-access-';
const TOKEN_LETTERS = 5;
/**
 * Members that no decision reads, of a fixed length: any `uid`; any `time` (of managedFields); and the name of the volume, and of its
 * mounts, that the ServiceAccount admission plugin adds, in the order in which the API server writes their members. An
 * unescaped quote cannot stand inside a JSON string, so what matches is a member wherever it is found.
 */
const VARYING =
  /("uid":")([-0-9a-f]{36})"|("time":")([-:0-9T]{19}Z)"|("name":"kube-api-access-)([a-z0-9]{5})"(?=,"projected":|,"readOnly":true,"mountPath":)/g;

/** One policy's answers; whoever changes the policy begins with a new one. */
export class RecentReviews {
  /** By the text's length, the latest length last: reviews of one template have one. */
  private readonly kept = new Map<number, Kept[]>();

  /** The answer to a review that differs from an answered one in nothing that a decision reads. */
  find(text: Buffer): AnsweredReview | undefined {
    for (const kept of this.kept.get(text.length) ?? []) {
      if (!fill(kept, text) || !kept.text.equals(text)) continue;
      const [[from, length] = [0, 0]] = kept.varying;
      return {
        asked: { ...kept.asked, uid: text.toString('latin1', from, from + length) },
        answer: kept.answer,
      };
    }
    return undefined;
  }

  keep(text: Buffer, { asked, answer }: AnsweredReview): void {
    if (text.length > MAX_BYTES || mayNameToken(answer)) return;
    const found = placesIn(text, asked.uid);
    if (found === undefined) return;
    const alike = this.kept.get(text.length) ?? [];
    // A new buffer for each review would be freed late: such memory is not in the collector's young generation.
    const spare = alike.length === MAX_ALIKE ? alike.pop()?.text : undefined;
    const copy = spare ?? Buffer.allocUnsafeSlow(text.length);
    text.copy(copy);
    const { pod: _, ...rest } = asked;
    alike.unshift({ ...found, text: copy, asked: rest, answer });
    this.kept.delete(text.length);
    this.kept.set(text.length, alike);
    if (this.kept.size <= MAX_LENGTHS) return;
    for (const oldest of this.kept.keys()) {
      this.kept.delete(oldest);
      return;
    }
  }
}

/** Where a review's text may vary; undefined where it is not sure which is the review's own uid. */
function placesIn(text: Buffer, uid: string): Pick<Kept, 'varying' | 'tokens'> | undefined {
  const varying: [number, number][] = [];
  const tokens: number[] = [];
  let uids = 0;
  // One character a byte, so that a place in the one is a place in the other.
  for (const match of text.toString('latin1').matchAll(VARYING)) {
    const [, beforeUid, id = '', beforeTime, time = '', beforeToken = '', letters] = match;
    const at = match.index + (beforeUid ?? beforeTime ?? beforeToken).length;
    if (beforeUid !== undefined && id === uid) {
      uids++;
      varying.unshift([at, id.length]);
    } else if (letters === undefined) varying.push([at, id.length + time.length]);
    else tokens.push(at);
  }
  return uids === 1 ? { varying, tokens } : undefined;
}

/** Does the answer depend on what is taken for a token volume's name? Only a container that is named so could make it. */
function mayNameToken({ members, names, event }: PodAnswer): boolean {
  return (
    members.includes(TOKEN_VOLUME) ||
    names.some((name) => name.startsWith(TOKEN_VOLUME)) ||
    (event !== undefined && `${event.about.name} ${event.message}`.includes(TOKEN_VOLUME))
  );
}

/** Put what varies in a text of the same length over what was there. @returns whether it is such that it may vary */
function fill({ text, varying, tokens }: Kept, other: Buffer): boolean {
  for (const [at, length] of varying) if (!replace(text, at, other, at, length)) return false;
  const [token] = tokens;
  return token === undefined || tokens.every((at) => replace(text, at, other, token, TOKEN_LETTERS));
}

function replace(text: Buffer, at: number, other: Buffer, from: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const byte = other[from + i];
    if (!isPlain(byte)) return false;
    text[at + i] = byte;
  }
  return true;
}

/** A letter, a digit, a dash or a colon: no quote, no backslash, nothing but ASCII. */
function isPlain(byte: number | undefined): byte is number {
  return (
    byte !== undefined &&
    ((byte >= 0x30 && byte <= 0x3a) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      (byte >= 0x41 && byte <= 0x5a) ||
      byte === 0x2d)
  );
}
