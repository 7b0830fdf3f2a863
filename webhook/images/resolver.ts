/**
 * Resolves an image reference with the credentials to try, in order: mirrors first, then the registry, each with one credential
 * after the other until one may read the image.
 *
 * Two caches save requests:
 * - A tag's digest, for one credential and a short time. An entry also proves that the credential may read the image.
 * - A digest's content, for everybody and without expiry: it cannot change, and it is looked up only for a digest that the registry
 *   has just given to a credential.
 */

import type { ManifestContent, RegistryClient, RepositoryAccess } from '../registry/client.ts';
import type { Credential, CredentialsToTry } from '../registry/credential.ts';
import { type Endpoint, endpointsOf, type RegistryOptions } from '../registry/endpoint.ts';
import { isTransient, RegistryError } from '../registry/error.ts';
import { fetchImage, type ImageContent } from '../registry/image-content.ts';
import { type ImageReference, wantedOf } from '../registry/image-reference.ts';
import { type Deadline, deadlineIn } from '../registry/transport.ts';
import { BoundedCache, type CacheBounds } from '../shared/bounded-cache.ts';
import { singleFlight } from '../shared/single-flight.ts';

/** A digest that the registry gave. */
export interface CheckedDigest {
  digest: string;
  /** When the registry was asked, by the resolver's clock. */
  checkedAt: number;
}

export interface Resolution extends CheckedDigest {
  content: ImageContent;
}

/** What a cached digest takes besides its key. */
const DIGEST_BYTES = 100;

const isRefusal = ({ reason }: RegistryError) =>
  reason === 'image-not-found' || reason === 'image-unauthorized';

/** The error where one attempt failed for now and the others were refused: the refusals prove nothing. */
function transientError(transient: RegistryError, refusals: string): RegistryError {
  const message = refusals === '' ? transient.message : `${transient.message}; ${refusals}`;
  return new RegistryError(transient.reason, message, { cause: transient });
}

export class ImageResolver {
  private readonly client: RegistryClient;
  private readonly registries: readonly RegistryOptions[];
  private readonly digests: BoundedCache<CheckedDigest>;
  private readonly contents: BoundedCache<ImageContent>;
  private readonly resolving = new Map<string, Promise<CheckedDigest & { manifest?: ManifestContent }>>();
  private readonly fetching = new Map<string, Promise<ImageContent>>();
  private readonly now: () => number;

  /** @param now milliseconds, of any epoch */
  constructor(
    client: RegistryClient,
    registries: readonly RegistryOptions[],
    bounds: CacheBounds,
    now = () => performance.now(),
  ) {
    this.now = now;
    this.client = client;
    this.registries = registries;
    this.digests = new BoundedCache({ entries: bounds.entries, bytes: bounds.bytes / 4 });
    this.contents = new BoundedCache({ entries: bounds.entries, bytes: bounds.bytes / 2 });
  }

  /** The content of a digest, where it is cached. */
  contentOf(digest: string): ImageContent | undefined {
    return this.contents.get(digest);
  }

  /**
   * @param since a digest that was checked before is checked again
   * @throws {RegistryError} the registry's own, where its mirrors failed too. If a mirror failed for now, a refusal of the registry
   *   becomes a transient error: the mirror may have the image
   */
  async resolve(
    reference: ImageReference,
    credentials: CredentialsToTry,
    deadline: Deadline,
    since: number,
  ): Promise<Resolution> {
    const endpoints = endpointsOf(reference.registry, this.registries);
    let transient: RegistryError | undefined;
    for (const [index, endpoint] of endpoints.entries()) {
      const last = index === endpoints.length - 1;
      // A mirror that does not answer leaves half of the time for the endpoints after it.
      const share = last ? deadline : deadlineIn((deadline.endsAt - performance.now()) / 2, deadline);
      try {
        return await this.resolveAt(endpoint, reference, credentials, share, since);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        if (last)
          throw transient === undefined || !isRefusal(error)
            ? error
            : transientError(transient, error.message);
        if (isTransient(error)) transient ??= error;
      }
    }
    throw new RegistryError('image-unreachable', `registry ${reference.registry} has no address`);
  }

  /** Ask one endpoint, with one credential after the other. */
  private async resolveAt(
    endpoint: Endpoint,
    reference: ImageReference,
    credentials: CredentialsToTry,
    deadline: Deadline,
    since: number,
  ): Promise<Resolution> {
    const { repository } = reference;
    const target = { registry: endpoint.registry, repository: `${endpoint.prefix}${repository}` };
    const refused: string[] = [];
    let missing: RegistryError | undefined;
    let transient: RegistryError | undefined;
    for await (const credential of credentials.inOrder(target, deadline)) {
      try {
        const access = { endpoint, repository, credential, deadline };
        return await this.resolveAs(credential, access, reference, since);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        // Some registries answer 404 where a credential may not read the image.
        if (error.reason === 'image-not-found') missing ??= error;
        else if (error.reason === 'image-unauthorized') refused.push(credential.source);
        // A registry that is down is not asked again with other credentials. Nor is there time for it after the deadline.
        else if (!error.credentialSpecific || deadline.signal.aborted) throw error;
        else transient ??= error;
      }
    }
    if (missing !== undefined && transient === undefined && !credentials.incomplete) throw missing;
    const tried = [...new Set(refused)].slice(0, 5).join(', ');
    const refusal = missing?.message ?? (tried === '' ? [] : `${endpoint.server} refused ${tried}`);
    const why = [refusal, credentials.failures.slice(0, 3)].flat().join('; ');
    if (transient !== undefined) throw transientError(transient, why);
    // A pull secret that could not be read for now might hold a credential that is accepted.
    throw new RegistryError(credentials.incomplete ? 'image-unreachable' : 'image-unauthorized', why);
  }

  private async resolveAs(
    credential: Credential,
    access: RepositoryAccess,
    reference: ImageReference,
    since: number,
  ): Promise<Resolution> {
    const wanted = wantedOf(reference);
    const { base, prefix } = access.endpoint;
    const key = `${credential.id} ${base.origin}/${prefix}${access.repository} ${wanted}`;
    const cached = this.digests.get(key);
    const checked: CheckedDigest & { manifest?: ManifestContent } =
      cached !== undefined && cached.checkedAt > since
        ? cached
        : await singleFlight(this.resolving, key, () => this.checkDigest(key, access, wanted));
    const { digest, checkedAt, manifest } = checked;
    const content =
      this.contents.get(digest) ??
      (await singleFlight(this.fetching, `${credential.id} ${digest}`, () =>
        this.fetch(access, digest, manifest),
      ));
    return { digest, content, checkedAt };
  }

  private async checkDigest(key: string, access: RepositoryAccess, wanted: string) {
    const checkedAt = this.now();
    try {
      const { digest, manifest } = await this.client.resolve(access, wanted);
      this.digests.set(key, { digest, checkedAt }, DIGEST_BYTES);
      return { digest, checkedAt, ...(manifest === undefined ? {} : { manifest }) };
    } catch (error) {
      this.digests.delete(key);
      throw error;
    }
  }

  private async fetch(
    access: RepositoryAccess,
    digest: string,
    manifest: ManifestContent | undefined,
  ): Promise<ImageContent> {
    const content = await fetchImage(this.client, access, digest, manifest);
    this.contents.set(digest, content, JSON.stringify([...content.values()]).length * 2);
    return content;
  }
}
