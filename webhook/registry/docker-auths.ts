/**
 * The `auths` of docker configurations, as pull secrets and `~/.docker/config.json` hold them, and which of them match an image.
 * The rules are the kubelet's (kubernetes: pkg/credentialprovider/keyring.go), so a look-up uses the credentials that a pull would.
 */
import { isRecord, type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { type AuthConfig, type Credential, type CredentialTarget, createCredential } from './credential.ts';
import { matchesHost } from './host-pattern.ts';

/** One entry of `auths`: the pattern of images that it is for, as it is written, and the credential. */
export interface AuthEntry {
  pattern: string;
  auth: AuthConfig;
}

/** The types of pull secrets, and the key of their data (kubernetes.io/docs: Secret types). */
const PULL_SECRET_KEYS: Readonly<Record<string, string>> = {
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  'kubernetes.io/dockercfg': '.dockercfg',
};

/** A Secret holds 1 MiB at most; an entry takes a hundred bytes. */
const MAX_ENTRIES = 1000;

/**
 * The entries of a pull secret.
 * @param data base64, as the API server has it
 * @returns none where type or text are not a pull secret's: the kubelet skips such a secret too
 */
export function parsePullSecret(type: string, data: Readonly<Record<string, string>>): AuthEntry[] {
  const key = Object.hasOwn(PULL_SECRET_KEYS, type) ? PULL_SECRET_KEYS[type] : undefined;
  const text = key !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
  if (text === undefined) return [];
  const document = parseJsonObject(Buffer.from(text, 'base64').toString('utf8'));
  const auths = key === '.dockercfg' ? document : document && member(document, 'auths');
  return isRecord(auths) ? parseAuths(auths) : [];
}

/** The entries of `auths`. An entry without a credential is left out. */
export function parseAuths(auths: JsonRecord): AuthEntry[] {
  return Object.entries(auths)
    .slice(0, MAX_ENTRIES)
    .flatMap(([pattern, value]) => {
      const auth = isRecord(value) ? parseAuth(value) : undefined;
      return auth === undefined ? [] : [{ pattern, auth }];
    });
}

function parseAuth(entry: JsonRecord): AuthConfig | undefined {
  const text = (key: string) => {
    const value = member(entry, key);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const identity = text('identitytoken');
  if (identity !== undefined) return { kind: 'identity', token: identity };
  const token = text('registrytoken');
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return { kind: 'bearer', token };
  const pair = Buffer.from(text('auth') ?? '', 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  // `auth` takes precedence, as in the kubelet. Some tools pad it with NUL bytes.
  if (colon > 0) return basic(pair.slice(0, colon), pair.slice(colon + 1).replace(/\0+$/, ''));
  const username = text('username');
  return username === undefined ? undefined : basic(username, text('password') ?? '');
}

function basic(username: string, password: string): AuthConfig {
  return { kind: 'basic', username, password };
}

/**
 * The credentials of all entries that match an image, the most specific first. More than one, because one may have expired.
 * @param source where the entries are from, for messages
 */
export function matchingCredentials(
  entries: readonly AuthEntry[],
  { registry, repository }: CredentialTarget,
  source: string,
): Credential[] {
  const keyed = entries.flatMap(({ pattern, auth }) => {
    const key = keyOf(pattern);
    return key === undefined ? [] : [{ key, auth }];
  });
  // Descending order puts a longer path before a shorter one of the same host.
  keyed.sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
  const image = `${registry}/${repository}`;
  const matching = keyed.filter(({ key }) => matchesImage(key, image));
  const chosen =
    matching.length > 0 || registry !== 'docker.io' ? matching : keyed.filter(({ key }) => key === HUB_KEY);
  return chosen.map(({ auth }) => createCredential(auth, source));
}

/** `docker login` writes this for Docker Hub: https://index.docker.io/v1/ */
const HUB_KEY = 'index.docker.io';

/** Host and path of a pattern. A path that begins with `/v1/` or `/v2/` is taken without it. */
function keyOf(pattern: string): string | undefined {
  const url = /^([a-z]+:\/\/)?([^/?#]+)([^?#]*)/i.exec(pattern);
  if (url === null) return undefined;
  const [, , host = '', path = ''] = url;
  const short = /^\/v[12]\//.test(path) ? path.slice(3) : path;
  return short === '' || short === '/' ? host : host + short;
}

/** The host matches, and the image's path begins with the key's. */
function matchesImage(key: string, image: string): boolean {
  const [keyHost, keyPath] = splitPath(key);
  const [host, path] = splitPath(image);
  return path.startsWith(keyPath) && matchesHost(keyHost, host);
}

function splitPath(text: string): [host: string, path: string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
}
