/**
 * A docker configuration file (`~/.docker/config.json`): its `auths`, and the credential helpers of `credHelpers` and `credsStore`
 * (github.com/docker/docker-credential-helpers). Helpers are run only for a file that the operator or the user names. A pod's pull
 * secret never runs a program.
 */
import { spawn } from 'node:child_process';
import { isRecord, type JsonRecord, member, parseJsonObject } from '../shared/json.ts';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import {
  type Credential,
  type CredentialProvider,
  type CredentialTarget,
  createCredential,
} from './credential.ts';
import { type AuthEntry, matchingCredentials, parseAuths } from './docker-auths.ts';
import { RegistryError } from './error.ts';
import type { Deadline } from './transport.ts';

const MAX_FILE_BYTES = 1024 * 1024;
/** A helper's answer is a token of a few kilobytes. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** Docker Hub's name in these files. */
const HUB_SERVER = 'https://index.docker.io/v1/';
/** The user name in a helper's answer whose secret is a refresh token. */
const TOKEN_USER = '<token>';

interface DockerConfig {
  entries: AuthEntry[];
  /** The helper's name by registry. */
  helpers: ReadonlyMap<string, string>;
  store: string | undefined;
}

/** The credentials of one docker configuration file. It is read for each look-up, because it is small and may change. */
export class DockerConfigFile implements CredentialProvider {
  private readonly file: string;
  private readonly optional: boolean;

  /** @param optional a missing file is no error, and has no credentials */
  constructor(file: string, optional = false) {
    this.file = file;
    this.optional = optional;
  }

  /** @throws {RegistryError} */
  async credentials(target: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]> {
    const config = await this.read();
    if (config === undefined) return [];
    const helper = helperFor(config, target);
    const found = matchingCredentials(config.entries, target, this.file);
    if (helper === undefined) return found;
    const server = target.registry === 'docker.io' ? HUB_SERVER : target.registry;
    const answer = await runHelper(helper, server, deadline);
    return answer === undefined ? found : [answer, ...found];
  }

  private async read(): Promise<DockerConfig | undefined> {
    let text: string;
    try {
      text = await readTextFile(this.file, MAX_FILE_BYTES);
    } catch (cause) {
      if (!(cause instanceof TextFileError)) throw cause;
      if (cause.code === 'ENOENT' && this.optional) return undefined;
      throw new RegistryError('image-unauthorized', cause.message, { cause });
    }
    const document = parseJsonObject(text);
    if (document === undefined)
      throw new RegistryError('image-unauthorized', `${this.file} is not a JSON object`);
    return parseConfig(document);
  }
}

function parseConfig(document: JsonRecord): DockerConfig {
  const auths = member(document, 'auths');
  const helpers = member(document, 'credHelpers');
  const store = member(document, 'credsStore');
  return {
    entries: isRecord(auths) ? parseAuths(auths) : [],
    helpers: new Map(
      Object.entries(isRecord(helpers) ? helpers : {}).flatMap(([host, name]) =>
        typeof name === 'string' ? [[host, name] as const] : [],
      ),
    ),
    store: typeof store === 'string' && store !== '' ? store : undefined,
  };
}

function helperFor({ helpers, store }: DockerConfig, { registry }: CredentialTarget): string | undefined {
  const name =
    helpers.get(registry) ?? (registry === 'docker.io' ? helpers.get(HUB_SERVER) : undefined) ?? store;
  return name !== undefined && /^[\w.-]{1,64}$/.test(name) ? `docker-credential-${name}` : undefined;
}

/**
 * Run a credential helper: the registry's name goes to its standard input, a JSON object comes from its standard output.
 * @returns undefined where it has no credential
 * @throws {RegistryError}
 */
function runHelper(helper: string, server: string, { signal }: Deadline): Promise<Credential | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new RegistryError('image-unauthorized', `the program ${helper} ${why}`, { cause }));
    const child = spawn(helper, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.on('error', (error) => {
      if (signal.aborted)
        return reject(new RegistryError('image-timeout', `the program ${helper} did not answer in time`));
      const missing = 'code' in error && error.code === 'ENOENT';
      fail(missing ? 'is not on the PATH' : 'cannot be run', error);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_OUTPUT_BYTES) chunks.push(chunk);
      else child.kill('SIGKILL');
    });
    // A helper may end before it has read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(`${server}\n`);
    child.on('close', (code) => {
      if (length > MAX_OUTPUT_BYTES) return fail(`wrote more than ${MAX_OUTPUT_BYTES} bytes`);
      const text = Buffer.concat(chunks).toString('utf8');
      // The protocol's own answer, on standard output, for a registry that the helper does not know.
      if (code !== 0 && text.includes('credentials not found')) return resolve(undefined);
      if (code !== 0) return fail(`failed (exit code ${code ?? 'none'})`);
      const answer = parseJsonObject(text) ?? {};
      const username = member(answer, 'Username');
      const secret = member(answer, 'Secret');
      if (typeof username !== 'string' || typeof secret !== 'string') return fail('wrote no credential');
      if (username === '' && secret === '') return resolve(undefined);
      resolve(
        createCredential(
          username === TOKEN_USER
            ? { kind: 'identity', token: secret }
            : { kind: 'basic', username, password: secret },
          helper,
        ),
      );
    });
  });
}
