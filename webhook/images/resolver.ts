/**
 * From a reference and credentials to what the image runs: mirrors first, every credential that fits until one may read it, and
 * nothing asked twice that is known or being asked.
 *
 * What is known, and for whom: a tag's digest for one credential, for a short while (with that, that the credential may read it);
 * what a digest stands for for everybody, for ever, because whoever gets there has just been given the digest by the registry.
 */

import type { Asking, ManifestContent, RegistryClient } from '../registry/client.ts';
import type { Credential } from '../registry/credential.ts';
import type { CredentialChain } from '../registry/credential-chain.ts';
import { type Endpoint, endpointsOf, type RegistryOptions } from '../registry/endpoint.ts';
import { isPassing, RegistryError } from '../registry/error.ts';
import { fetchImage, type ImageContent } from '../registry/image-content.ts';
import { type ImageReference, wantedOf } from '../registry/image-reference.ts';
import { type Deadline, deadlineIn } from '../registry/transport.ts';
import { BoundedCache, type CacheBounds } from '../shared/bounded-cache.ts';
import { join } from './single-flight.ts';

export interface Resolution {
  digest: string;
  content: ImageContent;
  /** When the registry was asked, by the resolver's clock. */
  checkedAt: number;
}

interface Pointer {
  digest: string;
  checkedAt: number;
}

/** What a pointer takes beside its key. */
const POINTER_BYTES = 100;

const isRefusal = ({ reason }: RegistryError) =>
  reason === 'image-not-found' || reason === 'image-unauthorized';

/** Somebody could not say for now, so that the others' "no" is none. @param no what they said, if anything */
function doubted(doubt: RegistryError, no: string): RegistryError {
  const message = no === '' ? doubt.message : `${doubt.message}; ${no}`;
  return new RegistryError(doubt.reason, message, { cause: doubt });
}

export class ImageResolver {
  private readonly client: RegistryClient;
  private readonly registries: readonly RegistryOptions[];
  private readonly pointers: BoundedCache<Pointer>;
  private readonly contents: BoundedCache<ImageContent>;
  private readonly pointing = new Map<string, Promise<Pointer & { manifest?: ManifestContent }>>();
  private readonly fetching = new Map<string, Promise<ImageContent>>();

  private readonly now: () => number;

  /** @param now milliseconds, from any beginning */
  constructor(
    client: RegistryClient,
    registries: readonly RegistryOptions[],
    bounds: CacheBounds,
    now = () => performance.now(),
  ) {
    this.now = now;
    this.client = client;
    this.registries = registries;
    this.pointers = new BoundedCache({ entries: bounds.entries, bytes: bounds.bytes / 4 });
    this.contents = new BoundedCache({ entries: bounds.entries, bytes: bounds.bytes / 2 });
  }

  /** What a digest stands for, where that is known. */
  contentOf(digest: string): ImageContent | undefined {
    return this.contents.get(digest);
  }

  /**
   * @param since only a later word of the registry's counts
   * @throws {RegistryError} that of the registry itself, where its mirrors failed too; but a mirror that cannot say for now may be
   *   the one that has the image, so that "no" is then no answer
   */
  async resolve(
    reference: ImageReference,
    chain: CredentialChain,
    deadline: Deadline,
    since: number,
  ): Promise<Resolution> {
    const endpoints = endpointsOf(reference.registry, this.registries);
    let doubt: RegistryError | undefined;
    for (const [index, endpoint] of endpoints.entries()) {
      const last = index === endpoints.length - 1;
      // A mirror that hangs leaves half of the time to who comes next.
      const share = last ? deadline : deadlineIn((deadline.endsAt - performance.now()) / 2, deadline);
      try {
        return await this.at(endpoint, reference, chain, share, since);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        if (last) throw doubt === undefined || !isRefusal(error) ? error : doubted(doubt, error.message);
        if (isPassing(error)) doubt ??= error;
      }
    }
    throw new RegistryError('image-unreachable', `registry ${reference.registry} has no address`);
  }

  /** Ask one endpoint, with one credential after the other. */
  private async at(
    endpoint: Endpoint,
    reference: ImageReference,
    chain: CredentialChain,
    deadline: Deadline,
    since: number,
  ): Promise<Resolution> {
    const { repository } = reference;
    const target = { registry: endpoint.registry, repository: `${endpoint.prefix}${repository}` };
    const refused: string[] = [];
    let missing: RegistryError | undefined;
    let doubt: RegistryError | undefined;
    for await (const credential of chain.candidates(target, deadline)) {
      try {
        return await this.as(credential, { endpoint, repository, credential, deadline }, reference, since);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        // Some registries say 404 to those who may not know.
        if (error.reason === 'image-not-found') missing ??= error;
        else if (error.reason === 'image-unauthorized') refused.push(credential.from);
        // Who cannot be talked to hears nobody else either, and there may be no time left.
        else if (!error.ofCredential || deadline.signal.aborted) throw error;
        else doubt ??= error;
      }
    }
    if (missing !== undefined && doubt === undefined && !chain.lacking) throw missing;
    const tried = [...new Set(refused)].slice(0, 5).join(', ');
    const no = missing?.message ?? (tried === '' ? [] : `${endpoint.who} refused ${tried}`);
    const why = [no, chain.troubles.slice(0, 3)].flat().join('; ');
    if (doubt !== undefined) throw doubted(doubt, why);
    // A secret that could not be read just now takes from nobody what he may read.
    throw new RegistryError(chain.lacking ? 'image-unreachable' : 'image-unauthorized', why);
  }

  private async as(
    credential: Credential,
    asking: Asking,
    reference: ImageReference,
    since: number,
  ): Promise<Resolution> {
    const wanted = wantedOf(reference);
    const { base, prefix } = asking.endpoint;
    const key = `${credential.id} ${base.origin}/${prefix}${asking.repository} ${wanted}`;
    const known = this.pointers.get(key);
    const pointer: Pointer & { manifest?: ManifestContent } =
      known !== undefined && known.checkedAt > since
        ? known
        : await join(this.pointing, key, () => this.point(key, asking, wanted));
    const { digest, checkedAt, manifest } = pointer;
    const content =
      this.contents.get(digest) ??
      (await join(this.fetching, `${credential.id} ${digest}`, () => this.fetch(asking, digest, manifest)));
    return { digest, content, checkedAt };
  }

  private async point(key: string, asking: Asking, wanted: string) {
    const checkedAt = this.now();
    try {
      const { digest, manifest } = await this.client.resolve(asking, wanted);
      this.pointers.set(key, { digest, checkedAt }, POINTER_BYTES);
      return { digest, checkedAt, ...(manifest === undefined ? {} : { manifest }) };
    } catch (error) {
      this.pointers.delete(key);
      throw error;
    }
  }

  private async fetch(
    asking: Asking,
    digest: string,
    manifest: ManifestContent | undefined,
  ): Promise<ImageContent> {
    const content = await fetchImage(this.client, asking, digest, manifest);
    this.contents.set(digest, content, JSON.stringify([...content.values()]).length * 2);
    return content;
  }
}
