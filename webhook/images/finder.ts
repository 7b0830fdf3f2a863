/**
 * What an image runs, for one who asks: what is known is answered at once, what is getting old is answered and asked for again,
 * what failed is not tried again for a moment, and what many want is asked for once.
 *
 * Who asks is a namespace with the names of its pull secrets, so that a hit reads no secret; it lives no longer than a tag, and
 * what one may read another must ask for.
 */

import type { CredentialChain } from '../registry/credential-chain.ts';
import { isPassing, RegistryError, requestError } from '../registry/error.ts';
import type { ImageContent } from '../registry/image-content.ts';
import { formatReference, type ImageReference } from '../registry/image-reference.ts';
import { deadlineIn } from '../registry/transport.ts';
import { BoundedCache } from '../shared/bounded-cache.ts';
import type { ImageResolver, Resolution } from './resolver.ts';
import { join, waitFor } from './single-flight.ts';

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

/** Times in milliseconds. */
export interface FinderOptions {
  fresh: number;
  stale: number;
  failures: number;
  /** The longest that the work itself takes, whoever still waits for it. */
  timeout: number;
  entries: number;
  bytes: number;
}

/** One who asks. */
export interface Asker {
  /** The same for those who may read the same. */
  key: string;
  chain(): CredentialChain;
}

/** How an answer was come by. `joined`: somebody else was asking already. */
export type FoundBy = 'hit' | 'stale' | 'joined' | 'miss';

export interface Found {
  content: ImageContent;
  by: FoundBy;
}

interface Grant {
  digest: string;
  checkedAt: number;
}

interface Failure {
  error: RegistryError;
  until: number;
}

/** What a grant or a failure takes beside its key. */
const GRANT_BYTES = 200;

export class ImageFinder {
  private readonly resolver: ImageResolver;
  private readonly options: FinderOptions;
  private readonly now: () => number;
  private readonly grants: BoundedCache<Grant>;
  private readonly failures: BoundedCache<Failure>;
  private readonly renewing = new Map<string, Promise<Resolution>>();

  /** @param now the resolver's clock */
  constructor(resolver: ImageResolver, options: FinderOptions, now = () => performance.now()) {
    this.resolver = resolver;
    this.options = options;
    this.now = now;
    const { entries, bytes } = options;
    this.grants = new BoundedCache({ entries, bytes: bytes / 8 });
    this.failures = new BoundedCache({ entries, bytes: bytes / 8 });
  }

  /**
   * @param signal ends the waiting, not the work: the next who asks has its result
   * @throws {RegistryError}
   */
  async find(
    reference: ImageReference,
    asker: Asker,
    policy: PullPolicy,
    signal: AbortSignal,
  ): Promise<Found> {
    const key = `${asker.key} ${formatReference(reference)}`;
    const { fresh, stale } = this.options;
    const now = this.now();
    const grant = this.grants.get(key);
    const content = grant && this.resolver.contentOf(grant.digest);
    const age = grant === undefined ? Number.POSITIVE_INFINITY : now - grant.checkedAt;
    const usable = content !== undefined && age < fresh + stale ? content : undefined;
    // What a digest stands for does not change, so there is nothing to ask again for but the permission.
    const mustAsk = policy === 'Always' && reference.digest === undefined;
    const failure = this.failures.get(key);
    const failed = failure !== undefined && failure.until > now ? failure.error : undefined;
    if (usable !== undefined && !mustAsk) {
      if (age < fresh) return { content: usable, by: 'hit' };
      if (policy !== 'Never' && failed === undefined)
        this.renew(key, reference, asker, now - fresh).catch(() => {});
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
      const work = this.renew(key, reference, asker, mustAsk ? now : now - fresh);
      return { content: (await waitFor(work, signal)).content, by };
    } catch (error) {
      const problem = requestError(`registry ${reference.registry}`, error);
      if (usable !== undefined && isPassing(problem)) return { content: usable, by: 'stale' };
      throw problem;
    }
  }

  private renew(key: string, reference: ImageReference, asker: Asker, since: number): Promise<Resolution> {
    return join(this.renewing, key, async () => {
      try {
        const deadline = deadlineIn(this.options.timeout);
        const found = await this.resolver.resolve(reference, asker.chain(), deadline, since);
        const { digest, checkedAt } = found;
        this.failures.delete(key);
        this.grants.set(key, { digest, checkedAt }, GRANT_BYTES);
        return found;
      } catch (error) {
        const problem = requestError(`registry ${reference.registry}`, error);
        this.failures.set(key, { error: problem, until: this.now() + this.options.failures }, GRANT_BYTES);
        if (!isPassing(problem)) this.grants.delete(key);
        throw problem;
      }
    });
  }
}
