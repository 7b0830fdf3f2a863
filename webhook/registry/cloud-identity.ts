/** The common parts of the clouds' credential providers: JSON over HTTP, token files, and a cache of credentials that expire. */
import { type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { singleFlight } from '../shared/single-flight.ts';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import type { Credential } from './credential.ts';
import { RegistryError } from './error.ts';
import type { HttpAnswer } from './http-exchange.ts';

/** A cloud's token takes a few kilobytes. */
export const MAX_CLOUD_BYTES = 64 * 1024;

interface ExpiringCredential {
  credential: Credential;
  /** When it must be renewed, by `performance.now()`. */
  until: number;
}

/** A key is a registry, and an account has few of them. When there are more, all entries are dropped. */
const MAX_CREDENTIALS = 256;

/** Credentials by key. One is fetched by single-flight, and is fetched again when a tenth of its lifetime is left. */
export class CredentialCache {
  private readonly cached = new Map<string, ExpiringCredential>();
  private readonly pending = new Map<string, Promise<ExpiringCredential>>();

  /** @param fetch gives the credential and its lifetime in seconds */
  async get(
    key: string,
    fetch: () => Promise<{ credential: Credential; seconds: number }>,
  ): Promise<Credential> {
    const cached = this.cached.get(key);
    if (cached !== undefined && cached.until > performance.now()) return cached.credential;
    const fetched = await singleFlight(this.pending, key, async () => {
      const { credential, seconds } = await fetch();
      const expiring = { credential, until: performance.now() + Math.max(0, seconds) * 900 };
      if (this.cached.size > MAX_CREDENTIALS) this.cached.clear();
      this.cached.set(key, expiring);
      return expiring;
    });
    return fetched.credential;
  }
}

/** The JSON object of a cloud's answer. @throws {RegistryError} */
export function cloudJson({ status, body }: HttpAnswer, server: string): JsonRecord {
  if (status !== 200)
    throw new RegistryError(
      status >= 400 && status < 500 ? 'image-unauthorized' : 'image-unreachable',
      `${server} answered ${status}`,
    );
  const document = parseJsonObject(body.toString('utf8'));
  if (document === undefined) throw new RegistryError('image-unreachable', `${server} sent no JSON object`);
  return document;
}

/** A string in a cloud's answer. @throws {RegistryError} */
export function cloudText(record: JsonRecord, key: string, server: string): string {
  const value = member(record, key);
  if (typeof value === 'string' && value !== '') return value;
  throw new RegistryError('image-unreachable', `${server} sent no ${key}`);
}

/** A duration in a cloud's answer. Some clouds write it as a string. @param otherwise where it is missing */
export function cloudSeconds(record: JsonRecord, key: string, otherwise: number): number {
  const seconds = Number(member(record, key));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : otherwise;
}

/** Read a token that the kubelet projects into a file. @throws {RegistryError} */
export async function readTokenFile(file: string): Promise<string> {
  try {
    return (await readTextFile(file, MAX_CLOUD_BYTES)).trim();
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    throw new RegistryError('image-unauthorized', `the identity's token ${cause.message}`, { cause });
  }
}
