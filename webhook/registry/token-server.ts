/**
 * The token server that a registry names in its challenge
 * (distribution.github.io/distribution/spec/auth/token, and .../oauth for refresh tokens).
 */
import { isRecord, member } from '../shared/json.ts';
import type { AuthConfig } from './credential.ts';
import { RegistryError } from './error.ts';
import type { HttpAnswer } from './http-exchange.ts';
import type { Deadline, Transport } from './transport.ts';

/** The repository to read, and the registry that has it. */
export interface AuthorizationScope {
  /** The registry's own origin; a token is valid for no other. */
  origin: string;
  /** The repository's name at that registry. */
  repository: string;
  /** The registry's name in errors: `registry ghcr.io`. */
  server: string;
  caFile: string | undefined;
  /** Plain HTTP is allowed for the registry, and for its token server. */
  plainHttp: boolean;
}

export interface Token {
  /** The value of the `Authorization` header. */
  header: string;
  /** When it must be renewed, by `performance.now()`. */
  until: number;
}

const MAX_TOKEN_BYTES = 64 * 1024;
/** The specification's: a token without `expires_in` is valid for 60 s. */
const DEFAULT_LIFETIME_S = 60;
/** A longer `expires_in` is cut to this. */
export const MAX_LIFETIME_S = 12 * 3600;
/** A token is renewed when a tenth of its lifetime is left. In ms for each second. */
const RENEW_AFTER_MS = 900;
/** The specification requires a client_id; any name will do. */
const CLIENT_ID = 'curfew';

export const basicHeader = ({ username, password }: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
export const bearerHeader = (token: string) => `Bearer ${token}`;

/**
 * Fetch an access token for a repository.
 * @param parameters those of the registry's `Bearer` challenge
 * @throws {RegistryError} always with `credentialSpecific`: a token server's failure does not concern the other credentials
 */
export async function fetchToken(
  transport: Transport,
  scope: AuthorizationScope,
  auth: AuthConfig,
  parameters: ReadonlyMap<string, string>,
  deadline: Deadline,
): Promise<Token> {
  try {
    return await requestToken(transport, scope, auth, parameters, deadline);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const reason = error.reason === 'image-unusable' ? 'image-unreachable' : error.reason;
    throw new RegistryError(reason, error.message, { cause: error, credentialSpecific: true });
  }
}

async function requestToken(
  transport: Transport,
  scope: AuthorizationScope,
  auth: AuthConfig,
  parameters: ReadonlyMap<string, string>,
  deadline: Deadline,
): Promise<Token> {
  const url = parseRealm(scope, parameters.get('realm'));
  const service = parameters.get('service');
  const fields = new URLSearchParams({
    ...(service === undefined ? {} : { service }),
    scope: parameters.get('scope') ?? `repository:${scope.repository}:pull`,
  });
  const headers: Record<string, string> = { accept: 'application/json' };
  const server = `the token server of ${scope.server}`;
  const call = { url, headers, maxBytes: MAX_TOKEN_BYTES, server };
  if (auth.kind === 'identity') {
    fields.append('grant_type', 'refresh_token');
    fields.append('refresh_token', auth.token);
    fields.append('client_id', CLIENT_ID);
    headers['content-type'] = 'application/x-www-form-urlencoded';
    const post = { ...call, method: 'POST', body: fields.toString() } as const;
    return parseToken(await transport.send(post, deadline, scope.caFile), server);
  }
  if (auth.kind === 'basic') headers.authorization = basicHeader(auth);
  for (const [name, value] of fields) url.searchParams.append(name, value);
  return parseToken(await transport.send({ ...call, method: 'GET' }, deadline, scope.caFile), server);
}

/** The token server's address. Plain HTTP is refused unless it is allowed for the registry: a password would be readable. */
function parseRealm({ plainHttp, server }: AuthorizationScope, text: string | undefined): URL {
  const realm = text === undefined ? null : URL.parse(text);
  const secure = realm?.protocol === 'https:' || (plainHttp && realm?.protocol === 'http:');
  if (realm === null || !secure || realm.username !== '' || realm.password !== '')
    throw new RegistryError(
      'image-unauthorized',
      `${server} names no token server that can be asked: its realm is not an https address`,
    );
  realm.hash = '';
  return realm;
}

function parseToken({ status, body }: HttpAnswer, server: string): Token {
  if (status === 401 || status === 403 || status === 400)
    throw new RegistryError('image-unauthorized', `${server} refused it (${status})`);
  if (status !== 200) throw new RegistryError('image-unreachable', `${server} answered ${status}`);
  let document: unknown;
  try {
    document = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new RegistryError('image-unreachable', `${server} sent no JSON`, { cause });
  }
  const record = isRecord(document) ? document : {};
  const token = member(record, 'token') ?? member(record, 'access_token');
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new RegistryError('image-unreachable', `${server} sent no token`);
  const seconds = member(record, 'expires_in');
  const lifetime =
    typeof seconds === 'number' && seconds > 0 ? Math.min(seconds, MAX_LIFETIME_S) : DEFAULT_LIFETIME_S;
  return { header: bearerHeader(token), until: performance.now() + lifetime * RENEW_AFTER_MS };
}
