/** Reviews sent as the API server sends them, but each on a connection of its own, so that each makes a handshake. */
import { Agent, request } from 'node:https';
import { TLSSocket } from 'node:tls';
import { z } from 'zod';

const PORT = 8443;
const ANSWER = z.object({ response: z.object({ allowed: z.boolean(), patch: z.string() }) });
/** The timeout of one review. The API server's is 10 s. */
const TIMEOUT = 5_000;

/**
 * Have one pod reviewed.
 * @param ip of a replica
 * @param serverName the name that its certificate must have
 * @param authorities the authorities of which one must have signed it, PEM
 * @returns the SHA-256 fingerprint of its certificate
 * @throws where the handshake fails, or the answer is not a patch
 */
export function reviewDirectly(ip: string, serverName: string, authorities: string): Promise<string> {
  const review = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: crypto.randomUUID(),
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: 'direct',
      dryRun: true,
      object: POD,
    },
  });
  // Without a session cache, because a resumed session sends no certificate.
  const agent = new Agent({
    keepAlive: false,
    maxCachedSessions: 0,
    ca: authorities,
    servername: serverName,
  });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(review) };
  return new Promise((resolve, reject) => {
    const options = {
      host: ip,
      port: PORT,
      path: '/mutate',
      method: 'POST',
      headers,
      agent,
      timeout: TIMEOUT,
    };
    const asked = request(options, (response) => {
      const { socket } = response;
      const fingerprint = socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : '';
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => {
        const answer = ANSWER.safeParse(response.statusCode === 200 ? JSON.parse(text) : undefined);
        if (answer.data?.response.allowed === true) resolve(fingerprint);
        else reject(new Error(`HTTP ${response.statusCode}: ${text.slice(0, 200)}`));
      });
    });
    asked.once('timeout', () => asked.destroy(new Error(`no answer in ${TIMEOUT} ms`)));
    asked.once('error', reject);
    asked.end(review);
  });
}

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'direct', namespace: 'direct', annotations: { 'curfew.dev/sidecars': 'proxy' } },
  spec: {
    restartPolicy: 'Never',
    containers: [
      { name: 'main', image: 'localhost/steps:1', command: ['/steps', 'exit', '0'] },
      { name: 'proxy', image: 'localhost/steps:1', command: ['/steps', 'wait'] },
    ],
  },
};
