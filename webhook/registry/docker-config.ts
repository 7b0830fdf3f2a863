/**
 * A docker configuration (`~/.docker/config.json`): its `auths`, and the programs of `credHelpers` and `credsStore`
 * (github.com/docker/docker-credential-helpers). Only of a file that the operator or the user names: a pod's secret never
 * makes anything run.
 */
import { spawn } from 'node:child_process';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import {
  type Credential,
  type CredentialProvider,
  type CredentialTarget,
  credentialFrom,
} from './credential.ts';
import { type CredentialEntry, entriesOf, matching, parseObject } from './docker-auths.ts';
import { RegistryError } from './error.ts';
import type { Deadline } from './transport.ts';

const MAX_FILE_BYTES = 1024 * 1024;
/** What a program may say: a token of a few kilobytes. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** How docker itself calls Docker Hub in these files. */
const HUB_SERVER = 'https://index.docker.io/v1/';
/** What a program answers as a name where the secret is a refresh token. */
const TOKEN_USER = '<token>';

interface DockerConfig {
  entries: CredentialEntry[];
  /** Program by host. */
  helpers: ReadonlyMap<string, string>;
  store: string | undefined;
}

/** The credentials of one docker configuration file, read anew for each look-up: it may change, and it is small. */
export class DockerConfigFile implements CredentialProvider {
  private readonly file: string;
  private readonly optional: boolean;

  /** @param optional a file that is missing is one without credentials */
  constructor(file: string, optional = false) {
    this.file = file;
    this.optional = optional;
  }

  /** @throws {RegistryError} */
  async credentials(target: CredentialTarget, deadline: Deadline): Promise<readonly Credential[]> {
    const config = await this.read();
    if (config === undefined) return [];
    const program = programFor(config, target);
    const found = matching(config.entries, target, this.file);
    if (program === undefined) return found;
    const server = target.registry === 'docker.io' ? HUB_SERVER : target.registry;
    const answer = await runProgram(program, server, deadline);
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
    const document = parseObject(text);
    if (document === undefined)
      throw new RegistryError('image-unauthorized', `${this.file} is no JSON object`);
    return parseConfig(document);
  }
}

function parseConfig(document: JsonRecord): DockerConfig {
  const auths = member(document, 'auths');
  const helpers = member(document, 'credHelpers');
  const store = member(document, 'credsStore');
  return {
    entries: isRecord(auths) ? entriesOf(auths) : [],
    helpers: new Map(
      Object.entries(isRecord(helpers) ? helpers : {}).flatMap(([host, name]) =>
        typeof name === 'string' ? [[host, name] as const] : [],
      ),
    ),
    store: typeof store === 'string' && store !== '' ? store : undefined,
  };
}

function programFor({ helpers, store }: DockerConfig, { registry }: CredentialTarget): string | undefined {
  const name =
    helpers.get(registry) ?? (registry === 'docker.io' ? helpers.get(HUB_SERVER) : undefined) ?? store;
  return name !== undefined && /^[\w.-]{1,64}$/.test(name) ? `docker-credential-${name}` : undefined;
}

/**
 * Ask a program: the server's name on its standard input, a JSON object on its standard output.
 * @returns undefined where it knows none
 * @throws {RegistryError}
 */
export function runProgram(
  program: string,
  server: string,
  { signal }: Deadline,
): Promise<Credential | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new RegistryError('image-unauthorized', `the program ${program} ${why}`, { cause }));
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.on('error', (error) => {
      if (signal.aborted)
        return reject(new RegistryError('image-timeout', `the program ${program} did not answer in time`));
      const missing = 'code' in error && error.code === 'ENOENT';
      fail(missing ? 'is not on the PATH' : 'cannot be run', error);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_OUTPUT_BYTES) chunks.push(chunk);
      else child.kill('SIGKILL');
    });
    // It may end without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(`${server}\n`);
    child.on('close', (code) => {
      if (length > MAX_OUTPUT_BYTES) return fail(`wrote more than ${MAX_OUTPUT_BYTES} bytes`);
      const text = Buffer.concat(chunks).toString('utf8');
      // Its protocol's own words, on standard output, for a server that it does not know.
      if (code !== 0 && text.includes('credentials not found')) return resolve(undefined);
      if (code !== 0) return fail(`failed (exit code ${code ?? 'none'})`);
      const answer = parseObject(text) ?? {};
      const username = member(answer, 'Username');
      const secret = member(answer, 'Secret');
      if (typeof username !== 'string' || typeof secret !== 'string') return fail('wrote no credential');
      if (username === '' && secret === '') return resolve(undefined);
      resolve(
        credentialFrom(
          username === TOKEN_USER
            ? { kind: 'identity', token: secret }
            : { kind: 'basic', username, password: secret },
          program,
        ),
      );
    });
  });
}
