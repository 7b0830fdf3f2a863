/** Requests to the API server without kubectl, which is too slow for some tests. Connections are kept. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { z } from 'zod';
import { NODE_IP } from './webhook.ts';

const PORT = 6443;
let agent: Agent | undefined;

/** Connections with the administrator's certificate. */
function administrator(): Agent {
  const pki = (name: string) => readFileSync(join(process.env.STATE ?? '', 'pki', name));
  agent ??= new Agent({ keepAlive: true, ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key') });
  return agent;
}

/** An answer of the API server. */
export interface Answer {
  status: number;
  body: unknown;
}

/** Send a request as the administrator; the body of a PATCH is a merge patch. @throws where no answer comes */
export async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const { status, text } = await askText(method, path, body);
  try {
    return { status, body: JSON.parse(text) };
  } catch (cause) {
    throw new Error(`${method} ${path}: ${text.slice(0, 200)}`, { cause });
  }
}

/** The same, for an answer that is not JSON. */
export function askText(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    'content-length': Buffer.byteLength(text), // Node does not set it for DELETE
    accept: 'application/json, text/plain',
  };
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: NODE_IP, port: PORT, method, path, headers, agent: administrator() },
      (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          answer += chunk;
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text: answer }));
      },
    );
    asked.once('error', reject);
    asked.end(text);
  });
}

const EVENT = z.object({ type: z.string(), object: z.unknown() });

/**
 * Watch a list of objects until the signal ends it.
 * @param path such as /api/v1/namespaces/NAME/pods
 * @param see called with each event, as soon as it arrives
 * @returns when the API server has answered. From then on no event is missed
 */
export function watch(
  path: string,
  signal: AbortSignal,
  see: (type: string, object: unknown) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // The watch begins with the API server's cache. Newer servers refuse one for the newest version while the cache is behind.
    const query = '?watch=true&resourceVersion=0';
    const options = { host: NODE_IP, port: PORT, path: path + query, agent: administrator(), signal };
    const asked = request(options, (response) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const { type, object } = EVENT.parse(JSON.parse(line));
          see(type, object);
        }
      });
      response.on('error', () => {}); // from the signal
      if (response.statusCode === 200) resolve();
      else reject(new Error(`watching ${path}: HTTP ${response.statusCode}`));
    });
    asked.on('error', (error) => {
      if (!signal.aborted) reject(error);
    });
    asked.end();
  });
}
