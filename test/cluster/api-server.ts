/** The API server by HTTP, where kubectl is too slow: one process, connections kept. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { z } from 'zod';
import { NODE_IP } from './webhook.ts';

const PORT = 6443;
let agent: Agent | undefined;

/** The administrator's connections. */
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

/**
 * Ask as the administrator.
 * @throws where no answer comes
 */
export function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text), // not by itself where the method is DELETE
    accept: 'application/json',
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
        response.once('end', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) });
          } catch (cause) {
            reject(new Error(`${method} ${path}: ${answer.slice(0, 200)}`, { cause }));
          }
        });
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
 * @param see is given each event, as soon as it arrives
 * @returns once the API server has answered: from then on nothing is missed
 */
export function watch(
  path: string,
  signal: AbortSignal,
  see: (type: string, object: unknown) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // From what the API server has in its cache: newer ones answer a watch of the newest version with an error while that is behind.
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
      response.on('error', () => {}); // the signal's
      if (response.statusCode === 200) resolve();
      else reject(new Error(`watching ${path}: HTTP ${response.statusCode}`));
    });
    asked.on('error', (error) => {
      if (!signal.aborted) reject(error);
    });
    asked.end();
  });
}
