/**
 * Authorization at a registry: basic, or a bearer token from the token server that the registry names
 * (distribution.github.io/distribution/spec/auth/token, and .../oauth for refresh tokens).
 */
import { BoundedCache } from '../shared/bounded-cache.ts';
import { isRecord, member } from '../shared/json.ts';
import { parseChallenges } from './challenge.ts';
import type { Credential } from './credential.ts';
import { RegistryError } from './error.ts';
import type { Deadline, HttpAnswer, Transport } from './transport.ts';

/** What is asked, and whom. */
export interface AuthorizationScope {
  /** The registry's own origin; a token is good for no other. */
  origin: string;
  /** The repository there. */
  repository: string;
  who: string;
  caFile: string | undefined;
  /** The registry may be asked over plain HTTP, and so may its token server. */
  plainHttp: boolean;
}

interface Token {
  /** {@link BASIC}: the credential itself is what is sent, and is not kept here. */
  header: string;
  /** By `performance.now()`. */
  until: number;
}

const MAX_TOKEN_BYTES = 64 * 1024;
/** The spec's: a client takes a token without a life for one of 60 s. */
const DEFAULT_LIFE_S = 60;
/** A token is renewed while it still has a tenth of its life; and no life is believed that is longer than this. */
const MAX_LIFE_S = 12 * 3600;
const MAX_TOKENS = 4096;
/** A refresh token's client must have a name; it means nothing. */
const CLIENT = 'curfew';

/** Answers challenges, and remembers the answers as long as they are good: each for one credential and one repository. */
export class Authorizer {
  private readonly transport: Transport;
  private readonly tokens = new BoundedCache<Token>({ entries: MAX_TOKENS, bytes: 32 * 1024 * 1024 });
  private readonly asked = new Map<string, Promise<Token>>();

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** The `Authorization` that was good before; undefined where none is known, or none is needed. */
  known(scope: AuthorizationScope, credential: Credential): string | undefined {
    const { secret } = credential;
    if (secret.kind === 'bearer') return bearer(secret.token);
    const token = this.tokens.get(keyOf(scope, credential));
    if (token === undefined || token.until <= performance.now()) return undefined;
    return token.header === BASIC && secret.kind === 'basic' ? basic(secret) : token.header;
  }

  /**
   * Answer a 401.
   * @returns the `Authorization` to try again with; undefined where this credential has none to offer
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
    const { secret } = credential;
    if (secret.kind === 'bearer') return undefined;
    const challenges = parseChallenges(refusal.headers['www-authenticate']);
    const wanted = challenges.find(({ scheme }) => scheme === 'bearer');
    if (wanted !== undefined) {
      const pending = this.asked.get(key) ?? this.renew(key, scope, credential, wanted.parameters, deadline);
      return (await pending).header;
    }
    if (secret.kind !== 'basic' || !challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
    if (used?.header === BASIC) return undefined;
    this.tokens.set(key, { header: BASIC, until: performance.now() + MAX_LIFE_S * 1000 }, BASIC.length);
    return basic(secret);
  }

  private renew(
    key: string,
    scope: AuthorizationScope,
    credential: Credential,
    parameters: ReadonlyMap<string, string>,
    deadline: Deadline,
  ): Promise<Token> {
    const work = this.fetchToken(scope, credential, parameters, deadline)
      .then(
        (token) => {
          this.tokens.set(key, token, token.header.length);
          return token;
        },
        (error: unknown) => {
          throw troubleOf(error);
        },
      )
      .finally(() => this.asked.delete(key));
    this.asked.set(key, work);
    return work;
  }

  private async fetchToken(
    scope: AuthorizationScope,
    { secret }: Credential,
    parameters: ReadonlyMap<string, string>,
    deadline: Deadline,
  ): Promise<Token> {
    const realm = realmOf(scope, parameters.get('realm'));
    const service = parameters.get('service');
    const fields = new URLSearchParams({
      ...(service === undefined ? {} : { service }),
      scope: parameters.get('scope') ?? `repository:${scope.repository}:pull`,
    });
    const headers: Record<string, string> = { accept: 'application/json' };
    const who = `the token server of ${scope.who}`;
    const call = { headers, maxBytes: MAX_TOKEN_BYTES, who };
    let answer: HttpAnswer;
    if (secret.kind === 'identity') {
      fields.append('grant_type', 'refresh_token');
      fields.append('refresh_token', secret.token);
      fields.append('client_id', CLIENT);
      headers['content-type'] = 'application/x-www-form-urlencoded';
      answer = await this.transport.send(
        { ...call, method: 'POST', url: realm, body: fields.toString() },
        deadline,
        scope.caFile,
      );
    } else {
      if (secret.kind === 'basic') headers.authorization = basic(secret);
      for (const [name, value] of fields) realm.searchParams.append(name, value);
      answer = await this.transport.send({ ...call, method: 'GET', url: realm }, deadline, scope.caFile);
    }
    return tokenOf(answer, who);
  }
}

const keyOf = ({ origin, repository }: AuthorizationScope, { id }: Credential) =>
  `${id} ${origin} ${repository}`;
const BASIC = 'Basic';
const basic = ({ username, password }: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
const bearer = (token: string) => `Bearer ${token}`;

/** A registry says where its tokens are; it must not say it so that a password goes out in the clear, or to itself twice. */
function realmOf({ plainHttp, who }: AuthorizationScope, text: string | undefined): URL {
  const realm = text === undefined ? null : URL.parse(text);
  const secure = realm?.protocol === 'https:' || (plainHttp && realm?.protocol === 'http:');
  if (realm === null || !secure || realm.username !== '' || realm.password !== '')
    throw new RegistryError(
      'image-unauthorized',
      `${who} names no token server that can be asked: its realm is no https address`,
    );
  realm.hash = '';
  return realm;
}

/** Whatever a token server does says nothing about the image, nor about who else may read it. */
function troubleOf(error: unknown): unknown {
  if (!(error instanceof RegistryError)) return error;
  const reason = error.reason === 'image-unusable' ? 'image-unreachable' : error.reason;
  return new RegistryError(reason, error.message, { cause: error, ofCredential: true });
}

function tokenOf({ status, body }: HttpAnswer, who: string): Token {
  if (status === 401 || status === 403 || status === 400)
    throw new RegistryError('image-unauthorized', `${who} refused it (${status})`);
  if (status !== 200) throw new RegistryError('image-unreachable', `${who} answered ${status}`);
  let document: unknown;
  try {
    document = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new RegistryError('image-unreachable', `${who} sent no JSON`, { cause });
  }
  const record = isRecord(document) ? document : {};
  const token = member(record, 'token') ?? member(record, 'access_token');
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new RegistryError('image-unreachable', `${who} sent no token`);
  const said = member(record, 'expires_in');
  const life = typeof said === 'number' && said > 0 ? Math.min(said, MAX_LIFE_S) : DEFAULT_LIFE_S;
  return { header: bearer(token), until: performance.now() + life * 900 };
}
