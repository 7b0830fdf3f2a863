/** Authorization at a registry: HTTP Basic, or a bearer token of the token server that the registry names. */
import { BoundedCache } from '../shared/bounded-cache.ts';
import { singleFlight } from '../shared/single-flight.ts';
import type { Credential } from './credential.ts';
import type { HttpAnswer } from './http-exchange.ts';
import {
  type AuthorizationScope,
  basicHeader,
  bearerHeader,
  fetchToken,
  MAX_LIFETIME_S,
  type Token,
} from './token-server.ts';
import type { Deadline, Transport } from './transport.ts';

const MAX_TOKENS = 4096;
const MAX_TOKENS_BYTES = 32 * 1024 * 1024;
/** Cached in place of a header where the registry takes HTTP Basic, so that no password is cached. */
const BASIC = 'Basic';

/** Answers a registry's challenges, and caches the answer for one credential and one repository while it is valid. */
export class Authorizer {
  private readonly transport: Transport;
  private readonly tokens = new BoundedCache<Token>({ entries: MAX_TOKENS, bytes: MAX_TOKENS_BYTES });
  private readonly pending = new Map<string, Promise<Token>>();

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** The cached `Authorization` header; undefined where there is none, or none is needed. */
  cached(scope: AuthorizationScope, credential: Credential): string | undefined {
    const { auth } = credential;
    if (auth.kind === 'bearer') return bearerHeader(auth.token);
    const token = this.tokens.get(keyOf(scope, credential));
    if (token === undefined || token.until <= performance.now()) return undefined;
    return token.header === BASIC && auth.kind === 'basic' ? basicHeader(auth) : token.header;
  }

  /**
   * Answer a 401.
   * @returns the `Authorization` header to try again with; undefined where this credential offers none
   * @throws {RegistryError} where the token server fails, or refuses
   */
  async answer(
    scope: AuthorizationScope,
    credential: Credential,
    refusal: HttpAnswer,
    deadline: Deadline,
  ): Promise<string | undefined> {
    const key = keyOf(scope, credential);
    const used = this.tokens.get(key);
    this.tokens.delete(key);
    const { auth } = credential;
    if (auth.kind === 'bearer') return undefined;
    const challenges = parseChallenges(refusal.headers['www-authenticate']);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      const token = await singleFlight(this.pending, key, async () => {
        const fetched = await fetchToken(this.transport, scope, auth, bearer.parameters, deadline);
        this.tokens.set(key, fetched, fetched.header.length);
        return fetched;
      });
      return token.header;
    }
    if (auth.kind !== 'basic' || !challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    if (used?.header === BASIC) return undefined;
    this.tokens.set(key, { header: BASIC, until: performance.now() + MAX_LIFETIME_S * 1000 }, BASIC.length);
    return basicHeader(auth);
  }
}

const keyOf = ({ origin, repository }: AuthorizationScope, { id }: Credential) =>
  `${id} ${origin} ${repository}`;

/** One challenge of a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string;
  parameters: ReadonlyMap<string, string>;
}

/** A registry's header takes a few hundred bytes. */
const MAX_HEADER = 8 * 1024;

/** `name=token`, `name="quoted"`, or a scheme alone. A comma may follow. */
const ITEM = /[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w/:?=-]*)))?/y;

/**
 * Parse the challenges of a `WWW-Authenticate` header, up to the first part that does not parse.
 * @example parseChallenges('Bearer realm="https://auth.example/token",service="r"')
 */
export function parseChallenges(header: string | undefined): Challenge[] {
  if (header === undefined || header.length > MAX_HEADER) return [];
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  ITEM.lastIndex = 0;
  for (;;) {
    const match = ITEM.exec(header);
    if (match === null) return challenges;
    const [, name = '', quoted, token] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? token;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
}
