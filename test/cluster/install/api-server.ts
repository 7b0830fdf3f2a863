/** The API server by HTTP, for more requests than kubectl can make: one process, connections kept. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { NODE_IP } from '../webhook.ts';

const PORT = 6443;
const pki = (name: string) => readFileSync(join(process.env.STATE ?? '', 'pki', name));
let agent: Agent | undefined;

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
  agent ??= new Agent({ keepAlive: true, ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key') });
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text), // not by itself where the method is DELETE
    accept: 'application/json',
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host: NODE_IP, port: PORT, method, path, headers, agent }, (response) => {
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
    });
    asked.once('error', reject);
    asked.end(text);
  });
}
