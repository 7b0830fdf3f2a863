/**
 * Finds an image's content for the pods that may read it, with a cache in front of the registry:
 * - A fresh entry is used at once. A stale one is used too, and is renewed in the background.
 * - A failure is cached for a short time, so a broken registry does not get a request for every pod.
 * - Concurrent look-ups of the same image with the same credentials share one request (single-flight).
 *
 * An entry belongs to one namespace with one list of pull secrets, so a hit reads no secret. It expires as the tag does, and other
 * pods do not use it: they may not be allowed to read the image.
 */

import type { CredentialsToTry } from '../registry/credential.ts';
import { isTransient, RegistryError, requestError } from '../registry/error.ts';
import type { ImageContent } from '../registry/image-content.ts';
import { formatReference, type ImageReference } from '../registry/image-reference.ts';
import { deadlineIn } from '../registry/transport.ts';
import { BoundedCache } from '../shared/bounded-cache.ts';
import { singleFlight, waitFor } from '../shared/single-flight.ts';
import type { CheckedDigest, ImageResolver, Resolution } from './resolver.ts';

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

/** Times in milliseconds. */
interface FinderOptions {
  fresh: number;
  stale: number;
  failures: number;
  /** The limit for a look-up in the registry, which goes on when the request that started it has timed out. */
  timeout: number;
  entries: number;
  bytes: number;
}

/** The credentials that a pod may use. */
export interface PodCredentials {
  /** Equal for pods that may use the same credentials. */
  key: string;
  toTry(): CredentialsToTry;
}

/** Where an answer came from. `joined`: from a look-up that was already under way. */
export type FoundBy = 'hit' | 'stale' | 'joined' | 'miss';

export interface Found {
  content: ImageContent;
  by: FoundBy;
}

interface Failure {
  error: RegistryError;
  until: number;
}

/** What an entry takes besides its key. */
const ENTRY_BYTES = 200;

export class ImageFinder {
  private readonly resolver: ImageResolver;
  private readonly options: FinderOptions;
  private readonly now: () => number;
  private readonly digests: BoundedCache<CheckedDigest>;
  private readonly failures: BoundedCache<Failure>;
  private readonly renewing = new Map<string, Promise<Resolution>>();

  /** @param now the resolver's clock */
  constructor(resolver: ImageResolver, options: FinderOptions, now = () => performance.now()) {
    this.resolver = resolver;
    this.options = options;
    this.now = now;
    const { entries, bytes } = options;
    this.digests = new BoundedCache({ entries, bytes: bytes / 8 });
    this.failures = new BoundedCache({ entries, bytes: bytes / 8 });
  }

  /**
   * @param signal ends the wait. The look-up goes on, so the next request finds its result
   * @throws {RegistryError}
   */
  async find(
    reference: ImageReference,
    credentials: PodCredentials,
    policy: PullPolicy,
    signal: AbortSignal,
  ): Promise<Found> {
    const key = `${credentials.key} ${formatReference(reference)}`;
    const { fresh, stale } = this.options;
    const now = this.now();
    const cached = this.digests.get(key);
    const content = cached && this.resolver.contentOf(cached.digest);
    const age = cached === undefined ? Number.POSITIVE_INFINITY : now - cached.checkedAt;
    const usable = content !== undefined && age < fresh + stale ? content : undefined;
    // The content of a digest never changes, so only the permission to read it can expire.
    const mustCheck = policy === 'Always' && reference.digest === undefined;
    const failure = this.failures.get(key);
    const failed = failure !== undefined && failure.until > now ? failure.error : undefined;
    if (usable !== undefined && !mustCheck) {
      if (age < fresh) return { content: usable, by: 'hit' };
      if (policy !== 'Never' && failed === undefined)
        this.renew(key, reference, credentials, now - fresh).catch(() => {});
      return { content: usable, by: 'stale' };
    }
    if (policy === 'Never')
      throw new RegistryError(
        'image-not-found',
        'imagePullPolicy is Never, so the image need not be in its registry, and is not asked for there',
      );
    if (failed !== undefined && usable === undefined) throw failed;
    const by = this.renewing.has(key) ? 'joined' : 'miss';
    try {
      if (failed !== undefined) throw failed;
      const work = this.renew(key, reference, credentials, mustCheck ? now : now - fresh);
      return { content: (await waitFor(work, signal)).content, by };
    } catch (error) {
      const failure = requestError(`registry ${reference.registry}`, error);
      if (usable !== undefined && isTransient(failure)) return { content: usable, by: 'stale' };
      throw failure;
    }
  }

  private renew(
    key: string,
    reference: ImageReference,
    credentials: PodCredentials,
    since: number,
  ): Promise<Resolution> {
    return singleFlight(this.renewing, key, async () => {
      try {
        const deadline = deadlineIn(this.options.timeout);
        const found = await this.resolver.resolve(reference, credentials.toTry(), deadline, since);
        const { digest, checkedAt } = found;
        this.failures.delete(key);
        this.digests.set(key, { digest, checkedAt }, ENTRY_BYTES);
        return found;
      } catch (error) {
        const failure = requestError(`registry ${reference.registry}`, error);
        this.failures.set(key, { error: failure, until: this.now() + this.options.failures }, ENTRY_BYTES);
        if (!isTransient(failure)) this.digests.delete(key);
        throw failure;
      }
    });
  }
}
