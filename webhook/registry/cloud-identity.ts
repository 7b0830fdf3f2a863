/** What the clouds' identities have in common: JSON over HTTP, files with tokens, and answers that are good for a while. */
import type { JsonRecord } from '../shared/json.ts';
import { member } from '../shared/json.ts';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import type { Credential } from './credential.ts';
import { parseObject } from './docker-auths.ts';
import { RegistryError } from './error.ts';
import type { HttpAnswer } from './transport.ts';

/** Tokens of clouds are a few kilobytes. */
export const MAX_CLOUD_BYTES = 64 * 1024;

/** A credential and how long it is good for, by `performance.now()`. */
export interface Lasting {
  credential: Credential;
  until: number;
}

/** The last answers by key, each asked for once at a time, and anew when a tenth of its life is left. */
export class LastingCredentials {
  private readonly known = new Map<string, Lasting>();
  private readonly asked = new Map<string, Promise<Lasting>>();

  /** @param lookUp gives the credential and its life in seconds */
  async get(
    key: string,
    lookUp: () => Promise<{ credential: Credential; seconds: number }>,
  ): Promise<Credential> {
    const known = this.known.get(key);
    if (known !== undefined && known.until > performance.now()) return known.credential;
    const pending =
      this.asked.get(key) ??
      lookUp()
        .then(({ credential, seconds }) => {
          const lasting = { credential, until: performance.now() + Math.max(0, seconds) * 900 };
          // There are as many as an account has registries: few. Whoever names many loses them all.
          if (this.known.size > 256) this.known.clear();
          this.known.set(key, lasting);
          return lasting;
        })
        .finally(() => this.asked.delete(key));
    this.asked.set(key, pending);
    return (await pending).credential;
  }
}

/** The JSON object of a cloud's answer. @throws {RegistryError} */
export function cloudJson({ status, body }: HttpAnswer, who: string): JsonRecord {
  if (status !== 200)
    throw new RegistryError(
      status >= 400 && status < 500 ? 'image-unauthorized' : 'image-unreachable',
      `${who} answered ${status}`,
    );
  const document = parseObject(body.toString('utf8'));
  if (document === undefined) throw new RegistryError('image-unreachable', `${who} sent no JSON object`);
  return document;
}

/** A text of a cloud's answer. @throws {RegistryError} */
export function cloudText(record: JsonRecord, key: string, who: string): string {
  const value = member(record, key);
  if (typeof value === 'string' && value !== '') return value;
  throw new RegistryError('image-unreachable', `${who} sent no ${key}`);
}

/** A number that some clouds write as a text. */
export function cloudSeconds(record: JsonRecord, key: string, otherwise: number): number {
  const seconds = Number(member(record, key));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : otherwise;
}

/** A token's file, as the kubelet projects it. @throws {RegistryError} */
export async function tokenFile(file: string): Promise<string> {
  try {
    return (await readTextFile(file, MAX_CLOUD_BYTES)).trim();
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    throw new RegistryError('image-unauthorized', `the identity's token ${cause.message}`, { cause });
  }
}
