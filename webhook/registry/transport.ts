/**
 * HTTP requests with bounds on bytes and time, for the registry client and the clouds' credential providers.
 *
 * It uses node:http and node:https, because their agents take a private authority for one host and the HTTP(S)_PROXY and NO_PROXY
 * variables. Node's own fetch takes neither for one host. The undici package does, but costs 91 ms of start and 28 MB of memory
 * (measured: undici 8.12, node 24.21, `node -e "import('undici')"`), and node:https is loaded anyway.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { getCACertificates } from 'node:tls';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import { RegistryError, requestError } from './error.ts';
import { exchange, type HttpAnswer, type HttpCall, MAX_SOCKETS } from './http-exchange.ts';

/** The deadline of a look-up. All its steps share it. */
export interface Deadline {
  signal: AbortSignal;
  /** By `performance.now()`. */
  endsAt: number;
}

/** A deadline `ms` from now, or the given one where that is earlier. */
export function deadlineIn(ms: number, within?: Deadline): Deadline {
  const endsAt = performance.now() + ms;
  if (within !== undefined && within.endsAt <= endsAt) return within;
  const own = AbortSignal.timeout(Math.max(0, Math.ceil(ms)));
  return { endsAt, signal: within === undefined ? own : AbortSignal.any([own, within.signal]) };
}

/** Connections to all hosts. Further requests wait. */
const MAX_ALL_SOCKETS = 256;
const AGENT = {
  keepAlive: true,
  maxSockets: MAX_SOCKETS,
  maxTotalSockets: MAX_ALL_SOCKETS,
  maxFreeSockets: 4,
  scheduling: 'lifo',
  timeout: 30_000,
} as const;
/** The authorities that a browser trusts take about 200 kB together. */
const MAX_CA_BYTES = 1024 * 1024;
/** A file of authorities is read again after this time. */
const CA_LIFETIME_MS = 60_000;

/** Sends HTTP requests. Redirects and authorization are the callers' task. */
export class Transport {
  private readonly proxyEnv: NodeJS.ProcessEnv | undefined;
  private readonly plain: HttpAgent;
  private readonly secure = new Map<string, { agent: HttpsAgent; pem: string; readAt: number }>();
  private readonly direct = new HttpAgent(AGENT);

  /** @param env HTTP_PROXY, HTTPS_PROXY and NO_PROXY are read, in capital or small letters */
  constructor(env: NodeJS.ProcessEnv = process.env) {
    const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy } = env;
    const set = Object.entries({
      HTTP_PROXY,
      HTTPS_PROXY,
      NO_PROXY,
      http_proxy,
      https_proxy,
      no_proxy,
    }).filter(([, value]) => value !== undefined && value !== '');
    this.proxyEnv = set.length === 0 ? undefined : Object.fromEntries(set);
    this.plain = new HttpAgent({ ...AGENT, ...this.proxy() });
  }

  /**
   * @param caFile a PEM file of authorities that are trusted besides the usual ones
   * @throws {RegistryError}
   */
  async send(call: HttpCall, deadline: Deadline, caFile?: string): Promise<HttpAnswer> {
    try {
      deadline.signal.throwIfAborted();
      const agent = call.url.protocol === 'http:' ? this.plain : await this.secureAgent(caFile);
      return await exchange(call, agent, deadline.signal);
    } catch (error) {
      throw requestError(call.server, error);
    }
  }

  /** A request to a cloud's metadata service: plain HTTP to an address of this machine, without a proxy. @throws {RegistryError} */
  async sendLocally(call: HttpCall, deadline: Deadline): Promise<HttpAnswer> {
    try {
      return await exchange(call, this.direct, deadline.signal);
    } catch (error) {
      throw requestError(call.server, error);
    }
  }

  /** Close all connections. */
  close(): void {
    for (const agent of [this.plain, this.direct, ...[...this.secure.values()].map(({ agent }) => agent)])
      agent.destroy();
    this.secure.clear();
  }

  private proxy(): { proxyEnv?: NodeJS.ProcessEnv } {
    return this.proxyEnv === undefined ? {} : { proxyEnv: this.proxyEnv };
  }

  /** One agent for each file of authorities. When the file has changed it gets a new one. */
  private async secureAgent(caFile = ''): Promise<HttpsAgent> {
    const known = this.secure.get(caFile);
    const now = performance.now();
    if (known !== undefined && (caFile === '' || now - known.readAt < CA_LIFETIME_MS)) return known.agent;
    const pem = caFile === '' ? '' : await readAuthorities(caFile);
    if (known !== undefined && known.pem === pem) {
      known.readAt = now;
      return known.agent;
    }
    const ca = caFile === '' ? {} : { ca: [...getCACertificates('default'), pem] };
    const agent = new HttpsAgent({ ...AGENT, ...ca, ...this.proxy() });
    this.secure.set(caFile, { agent, pem, readAt: now });
    return agent;
  }
}

async function readAuthorities(file: string): Promise<string> {
  try {
    const pem = await readTextFile(file, MAX_CA_BYTES);
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    throw new RegistryError('image-unreachable', `images.registries[].caFile: ${cause.message}`, { cause });
  }
  throw new RegistryError(
    'image-unreachable',
    `${file} (images.registries[].caFile) holds no PEM certificate`,
  );
}
