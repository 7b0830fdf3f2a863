/**
 * Docker's credential files, as pull secrets and `~/.docker/config.json` hold them, and which of their entries fit an image.
 * The rules are the kubelet's (kubernetes: pkg/credentialprovider/keyring.go), so that a look-up may what a pull may.
 */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { type Credential, type CredentialTarget, credentialFrom, type Secret } from './credential.ts';

/** One entry: what it is for, as it is written, and what it holds. */
export interface CredentialEntry {
  pattern: string;
  secret: Secret;
}

/** Types of secrets that hold credentials, and the key under which they do (kubernetes.io/docs: Secret types). */
export const PULL_SECRET_KEYS: Readonly<Record<string, string>> = {
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  'kubernetes.io/dockercfg': '.dockercfg',
};

/** A secret's own limit is 1 MiB; entries are a hundred bytes. */
const MAX_ENTRIES = 1000;

/**
 * The entries of a pull secret.
 * @param data base64, as the API server has it
 * @returns none where the type or the text is not a pull secret's: the kubelet too goes on without it
 */
export function pullSecretEntries(type: string, data: Readonly<Record<string, string>>): CredentialEntry[] {
  const key = Object.hasOwn(PULL_SECRET_KEYS, type) ? PULL_SECRET_KEYS[type] : undefined;
  const text = key !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
  if (text === undefined) return [];
  const document = parseObject(Buffer.from(text, 'base64').toString('utf8'));
  const entries = key === '.dockercfg' ? document : document && member(document, 'auths');
  return isRecord(entries) ? entriesOf(entries) : [];
}

/** The entries of `auths` in a docker configuration. */
export function entriesOf(auths: JsonRecord): CredentialEntry[] {
  return Object.entries(auths)
    .slice(0, MAX_ENTRIES)
    .flatMap(([pattern, value]) => {
      const secret = isRecord(value) ? secretOf(value) : undefined;
      return secret === undefined ? [] : [{ pattern, secret }];
    });
}

function secretOf(entry: JsonRecord): Secret | undefined {
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
  // `auth` wins, as for the kubelet. Some tools end it with NUL bytes.
  if (colon > 0) return basic(pair.slice(0, colon), pair.slice(colon + 1).replace(/\0+$/, ''));
  const username = text('username');
  return username === undefined ? undefined : basic(username, text('password') ?? '');
}

function basic(username: string, password: string): Secret {
  return { kind: 'basic', username, password };
}

/**
 * The entries that fit an image, the most specific first; all of them, because one may have expired.
 * @param from where they are from, for messages
 */
export function matching(
  entries: readonly CredentialEntry[],
  { registry, repository }: CredentialTarget,
  from: string,
): Credential[] {
  const keyed = entries.flatMap(({ pattern, secret }) => {
    const key = keyOf(pattern);
    return key === undefined ? [] : [{ key, secret }];
  });
  // Reverse order puts a longer path before a shorter one of the same host.
  keyed.sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
  const image = `${registry}/${repository}`;
  const fitting = keyed.filter(({ key }) => fits(key, image));
  const chosen =
    fitting.length > 0 || registry !== 'docker.io' ? fitting : keyed.filter(({ key }) => key === HUB_KEY);
  return chosen.map(({ secret }) => credentialFrom(secret, from));
}

/** What `docker login` writes for Docker Hub: https://index.docker.io/v1/ */
const HUB_KEY = 'index.docker.io';

/** Host and path of an entry; `/v1/` and `/v2/` in front mean the host. */
function keyOf(pattern: string): string | undefined {
  const url = /^([a-z]+:\/\/)?([^/?#]+)([^?#]*)/i.exec(pattern);
  if (url === null) return undefined;
  const [, , host = '', path = ''] = url;
  const short = /^\/v[12]\//.test(path) ? path.slice(3) : path;
  return short === '' || short === '/' ? host : host + short;
}

/** A host that fits, and a path that begins alike. */
function fits(key: string, image: string): boolean {
  const [keyHost, keyPath] = cut(key);
  const [host, path] = cut(image);
  return path.startsWith(keyPath) && hostFits(keyHost, host);
}

/** Does a host fit a pattern such as `*.corp.example:5000`? A star stands for one label, or a part of it. */
export function hostFits(pattern: string, host: string): boolean {
  // An IPv6 address is no pattern, though it has brackets.
  if (pattern === host) return true;
  const [keyName, keyPort] = portOf(pattern);
  const [name, port] = portOf(host);
  const patterns = keyName.split('.');
  const labels = name.split('.');
  return (
    keyPort === port &&
    patterns.length === labels.length &&
    patterns.every((pattern, index) => labelFits(pattern, labels[index] ?? ''))
  );
}

function cut(text: string): [host: string, path: string] {
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
}

function portOf(host: string): [name: string, port: string] {
  const colon = host.lastIndexOf(':');
  return colon < 0 || host.endsWith(']') ? [host, ''] : [host.slice(0, colon), host.slice(colon + 1)];
}

/**
 * Go's filepath.Match for one label of a host: `*`, `?` and `[a-z]`. Without backtracking over more than one star at a time,
 * so that no pattern takes long.
 */
export function labelFits(pattern: string, label: string): boolean {
  let [p, l, star, mark] = [0, 0, -1, 0];
  while (l < label.length) {
    const step = p < pattern.length && pattern[p] !== '*' ? oneFits(pattern, p, label[l] ?? '') : 0;
    if (pattern[p] === '*') {
      star = p++;
      mark = l;
    } else if (step > 0) {
      p += step;
      l++;
    } else if (star >= 0) {
      p = star + 1;
      l = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** @returns how much of the pattern stands for this one character; 0 where it does not fit */
function oneFits(pattern: string, at: number, char: string): number {
  if (pattern[at] === '?') return 1;
  if (pattern[at] !== '[') return pattern[at] === char ? 1 : 0;
  const end = pattern.indexOf(']', at + 2);
  if (end < 0) return 0;
  const negated = pattern[at + 1] === '^';
  let inside = false;
  for (let i = at + (negated ? 2 : 1); i < end; i++) {
    const from = pattern[i] ?? '';
    const range = pattern[i + 1] === '-' && i + 2 < end;
    const to = range ? (pattern[i + 2] ?? '') : from;
    if (range) i += 2;
    inside ||= char >= from && char <= to;
  }
  return inside !== negated ? end + 1 - at : 0;
}

/** A JSON object; undefined for anything else. */
export function parseObject(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
