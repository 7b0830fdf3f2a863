/**
 * The registry's API, as far as a look-up needs it (github.com/opencontainers/distribution-spec): a tag's digest, a
 * manifest, a blob. Whatever comes back is bounded and has the digest that was asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageFailure } from '../decision/images.ts';
import type { Authorizer } from './auth.ts';
import type { Credential } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError, requestError } from './error.ts';
import { isDigest } from './image-reference.ts';
import { ACCEPT, digestOf, hasDigest } from './manifest.ts';
import type { Deadline, HttpAnswer, Transport } from './transport.ts';

/** Who asks whom, for what. */
export interface Asking {
  endpoint: Endpoint;
  /** Without the endpoint's prefix. */
  repository: string;
  credential: Credential;
  deadline: Deadline;
}

/** A manifest's or an index's text, with its digest verified. */
export interface ManifestContent {
  content: Buffer;
  contentType: string | undefined;
}

/** As the distribution project's own client and containerd have it. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Configurations hold the image's history and labels: some are hundreds of kilobytes. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
const MAX_REDIRECTS = 5;
/** How often a registry that asks for patience gets it, within the deadline. */
const MAX_PATIENCE = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export class RegistryClient {
  private readonly transport: Transport;
  private readonly authorizer: Authorizer;

  constructor(transport: Transport, authorizer: Authorizer) {
    this.transport = transport;
    this.authorizer = authorizer;
  }

  /**
   * What a tag or a digest stands for now, and whether this credential may read it. By HEAD, which registries do not count as a
   * pull; a registry that answers that without a digest is asked with GET, whose answer then need not be fetched again.
   * @throws {RegistryError}
   */
  async resolve(asking: Asking, wanted: string): Promise<{ digest: string; manifest?: ManifestContent }> {
    const path = `manifests/${wanted}`;
    const head = await this.ask(asking, 'HEAD', path, MAX_MANIFEST_BYTES);
    const unknown = head.status === 405 || head.status === 501 || head.status === 400;
    if (!unknown) this.expect(asking, head, 'the image');
    const digest = head.headers['docker-content-digest'];
    if (isDigest(wanted) && !unknown) return { digest: wanted };
    if (!unknown && typeof digest === 'string' && isDigest(digest)) return { digest };
    const manifest = await this.get(asking, path, MAX_MANIFEST_BYTES, 'the image');
    return {
      digest: isDigest(wanted) ? this.verify(asking, manifest.content, wanted) : digestOf(manifest.content),
      manifest,
    };
  }

  /** A manifest by its digest. @throws {RegistryError} */
  async manifest(asking: Asking, digest: string): Promise<ManifestContent> {
    const found = await this.get(asking, `manifests/${digest}`, MAX_MANIFEST_BYTES, 'a manifest');
    this.verify(asking, found.content, digest);
    return found;
  }

  /** An image's configuration by its digest. @throws {RegistryError} */
  async config(asking: Asking, digest: string): Promise<Buffer> {
    const { content } = await this.get(asking, `blobs/${digest}`, MAX_CONFIG_BYTES, 'the configuration');
    this.verify(asking, content, digest);
    return content;
  }

  private verify({ endpoint }: Asking, content: Buffer, digest: string): string {
    if (hasDigest(content, digest)) return digest;
    throw new RegistryError(
      'image-unusable',
      `${endpoint.who} sent something else than was asked for: its digest is another`,
    );
  }

  private async get(asking: Asking, path: string, maxBytes: number, what: string): Promise<ManifestContent> {
    const answer = await this.ask(asking, 'GET', path, maxBytes);
    this.expect(asking, answer, what);
    return { content: answer.body, contentType: answer.headers['content-type'] };
  }

  private expect({ endpoint: { who } }: Asking, { status }: HttpAnswer, what: string): void {
    if (status === 200) return;
    const fail = (reason: ImageFailure, message: string) =>
      new RegistryError(reason, `${who} ${message}`, { ofCredential: true });
    if (status === 401 || status === 403)
      throw fail('image-unauthorized', `does not let it be read (${status})`);
    if (status === 404) throw fail('image-not-found', `does not have ${what}`);
    if (status === 429)
      throw fail(
        'image-unreachable',
        'has had too many requests (429): give it a credential with a higher limit, or a mirror (images.registries[].mirrors)',
      );
    throw fail('image-unreachable', `answered ${status} when asked for ${what}`);
  }

  /** One request, authorized, with redirects followed and patience where it is asked for. */
  private async ask(
    asking: Asking,
    method: 'GET' | 'HEAD',
    path: string,
    maxBytes: number,
  ): Promise<HttpAnswer> {
    const { endpoint, credential, deadline } = asking;
    const repository = `${endpoint.prefix}${asking.repository}`;
    const { base, who, caFile, plainHttp } = endpoint;
    const url = new URL(`/v2/${repository}/${path}`, base);
    const scope = { origin: base.origin, repository, who, caFile, plainHttp };
    const send = (authorization: string | undefined) =>
      this.follow(endpoint, method, url, authorization, maxBytes, deadline);
    let authorization = this.authorizer.known(scope, credential);
    let challenged = false;
    for (let patience = 0; ; ) {
      const answer = await send(authorization);
      if (answer.status === 401 && !challenged) {
        challenged = true;
        authorization = await this.authorizer.answer(scope, credential, answer, deadline);
        if (authorization === undefined) return answer;
        continue;
      }
      const wait = patience < MAX_PATIENCE ? patienceOf(answer) : undefined;
      if (wait === undefined || performance.now() + wait >= deadline.endsAt) return answer;
      patience++;
      await delay(wait, undefined, { signal: deadline.signal, ref: false }).catch((error: unknown) => {
        throw requestError(who, error);
      });
    }
  }

  /** The authorization stays with the origin it is for: blobs are often on a store of somebody else's. */
  private async follow(
    { who, caFile, plainHttp }: Endpoint,
    method: 'GET' | 'HEAD',
    start: URL,
    authorization: string | undefined,
    maxBytes: number,
    deadline: Deadline,
  ): Promise<HttpAnswer> {
    const seen = new Set<string>();
    for (let url = start; ; ) {
      seen.add(url.href);
      const own = url.origin === start.origin && authorization !== undefined;
      // As it is stored: its digest is of those bytes.
      const headers = { accept: ACCEPT, 'accept-encoding': 'identity', ...(own ? { authorization } : {}) };
      const answer = await this.transport.send({ method, url, headers, maxBytes, who }, deadline, caFile);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
      const next = URL.parse(location, url.href);
      const bad = (why: string) => new RegistryError('image-unreachable', `${who} redirects ${why}`);
      if (next === null || !(next.protocol === 'https:' || (plainHttp && next.protocol === 'http:')))
        throw bad('to what is no https address');
      if (next.username !== '' || next.password !== '') throw bad('to an address with a password in it');
      next.hash = '';
      if (seen.has(next.href)) throw bad('in a circle');
      if (seen.size > MAX_REDIRECTS) throw bad(`more than ${MAX_REDIRECTS} times`);
      url = next;
    }
  }
}

/** How long to wait before the next try, in ms; undefined where that is not asked for. */
function patienceOf({ status, headers }: HttpAnswer): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 100);
}
