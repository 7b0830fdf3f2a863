/**
 * The part of the registry API that a look-up needs (github.com/opencontainers/distribution-spec): a tag's digest, a manifest, a
 * blob. Every answer is bounded in size, and its digest is verified.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageFailure } from '../decision/images.ts';
import type { Authorizer } from './auth.ts';
import type { Credential } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError, requestError } from './error.ts';
import type { HttpAnswer } from './http-exchange.ts';
import { isDigest } from './image-reference.ts';
import { ACCEPT, digestOf, hasDigest } from './manifest.ts';
import type { Deadline, Transport } from './transport.ts';

/** One repository at one endpoint, read with one credential until a deadline. */
export interface RepositoryAccess {
  endpoint: Endpoint;
  /** Without the endpoint's prefix. */
  repository: string;
  credential: Credential;
  deadline: Deadline;
}

/** The bytes of a manifest or an index, with their digest verified. */
export interface ManifestContent {
  content: Buffer;
  contentType: string | undefined;
}

/** The same limit as in the distribution project's own client and in containerd. */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** A configuration holds the image's history and labels: some take hundreds of kilobytes. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
const MAX_REDIRECTS = 5;
/** How often a request is sent again after a `Retry-After`, within the deadline. */
const MAX_RETRIES = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export class RegistryClient {
  private readonly transport: Transport;
  private readonly authorizer: Authorizer;

  constructor(transport: Transport, authorizer: Authorizer) {
    this.transport = transport;
    this.authorizer = authorizer;
  }

  /**
   * The digest of a tag, and whether this credential may read it. It uses HEAD, which registries do not count as a pull. A registry
   * that gives no digest there gets a GET, and the manifest in its answer is returned, so it need not be fetched again.
   * @throws {RegistryError}
   */
  async resolve(
    access: RepositoryAccess,
    wanted: string,
  ): Promise<{ digest: string; manifest?: ManifestContent }> {
    const path = `manifests/${wanted}`;
    const head = await this.ask(access, 'HEAD', path, MAX_MANIFEST_BYTES);
    const unknown = head.status === 405 || head.status === 501 || head.status === 400;
    if (!unknown) this.expect(access, head, 'the image');
    const digest = head.headers['docker-content-digest'];
    if (isDigest(wanted) && !unknown) return { digest: wanted };
    if (!unknown && typeof digest === 'string' && isDigest(digest)) return { digest };
    const manifest = await this.get(access, path, MAX_MANIFEST_BYTES, 'the image');
    return {
      digest: isDigest(wanted) ? this.verify(access, manifest.content, wanted) : digestOf(manifest.content),
      manifest,
    };
  }

  /** A manifest by its digest. @throws {RegistryError} */
  async manifest(access: RepositoryAccess, digest: string): Promise<ManifestContent> {
    const found = await this.get(access, `manifests/${digest}`, MAX_MANIFEST_BYTES, 'a manifest');
    this.verify(access, found.content, digest);
    return found;
  }

  /** An image's configuration by its digest. @throws {RegistryError} */
  async config(access: RepositoryAccess, digest: string): Promise<Buffer> {
    const { content } = await this.get(access, `blobs/${digest}`, MAX_CONFIG_BYTES, 'the configuration');
    this.verify(access, content, digest);
    return content;
  }

  private verify({ endpoint }: RepositoryAccess, content: Buffer, digest: string): string {
    if (hasDigest(content, digest)) return digest;
    throw new RegistryError(
      'image-unusable',
      `${endpoint.server} sent other content than was asked for: its digest differs`,
    );
  }

  private async get(
    access: RepositoryAccess,
    path: string,
    maxBytes: number,
    what: string,
  ): Promise<ManifestContent> {
    const answer = await this.ask(access, 'GET', path, maxBytes);
    this.expect(access, answer, what);
    return { content: answer.body, contentType: answer.headers['content-type'] };
  }

  private expect({ endpoint: { server } }: RepositoryAccess, { status }: HttpAnswer, what: string): void {
    if (status === 200) return;
    const fail = (reason: ImageFailure, message: string) =>
      new RegistryError(reason, `${server} ${message}`, { credentialSpecific: true });
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

  /** One request, with authorization, redirects and retries. */
  private async ask(
    access: RepositoryAccess,
    method: 'GET' | 'HEAD',
    path: string,
    maxBytes: number,
  ): Promise<HttpAnswer> {
    const { endpoint, credential, deadline } = access;
    const repository = `${endpoint.prefix}${access.repository}`;
    const { base, server, caFile, plainHttp } = endpoint;
    const url = new URL(`/v2/${repository}/${path}`, base);
    const scope = { origin: base.origin, repository, server, caFile, plainHttp };
    const send = (authorization: string | undefined) =>
      this.follow(endpoint, method, url, authorization, maxBytes, deadline);
    let authorization = this.authorizer.cached(scope, credential);
    let challenged = false;
    for (let retries = 0; ; ) {
      const answer = await send(authorization);
      if (answer.status === 401 && !challenged) {
        challenged = true;
        authorization = await this.authorizer.answer(scope, credential, answer, deadline);
        if (authorization === undefined) return answer;
        continue;
      }
      const wait = retries < MAX_RETRIES ? retryAfter(answer) : undefined;
      if (wait === undefined || performance.now() + wait >= deadline.endsAt) return answer;
      retries++;
      await delay(wait, undefined, { signal: deadline.signal, ref: false }).catch((error: unknown) => {
        throw requestError(server, error);
      });
    }
  }

  /** Follow redirects. The authorization goes to its own origin alone: blobs are often in somebody else's store. */
  private async follow(
    { server, caFile, plainHttp }: Endpoint,
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
      // `identity`, because the digest is that of the stored bytes.
      const headers = { accept: ACCEPT, 'accept-encoding': 'identity', ...(own ? { authorization } : {}) };
      const answer = await this.transport.send({ method, url, headers, maxBytes, server }, deadline, caFile);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
      const next = URL.parse(location, url.href);
      const bad = (why: string) => new RegistryError('image-unreachable', `${server} redirects ${why}`);
      if (next === null || !(next.protocol === 'https:' || (plainHttp && next.protocol === 'http:')))
        throw bad('to an address that is not https');
      if (next.username !== '' || next.password !== '') throw bad('to an address with a password in it');
      next.hash = '';
      if (seen.has(next.href)) throw bad('in a circle');
      if (seen.size > MAX_REDIRECTS) throw bad(`more than ${MAX_REDIRECTS} times`);
      url = next;
    }
  }
}

/** The answer's `Retry-After` in ms; undefined where it has none. */
function retryAfter({ status, headers }: HttpAnswer): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 100);
}
