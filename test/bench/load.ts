/**
 * Load on one URL, from a process of its own, which prints one JSON line. Each request is the review of a pod of its own, and all of them are
 * made before the first is sent: making them under way takes time from both servers, and hides how much slower one of them is.
 *
 * load URL BODY_FILE CONNECTIONS SECONDS FIRST
 *
 * FIRST is the number of the first pod; {@link MADE_A_SECOND} times SECONDS follow.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { quantile } from './figure.ts';
import { reviewOf } from './review.ts';

/** More than the bare route answers. */
const MADE_A_SECOND = 40_000;

const [address = '', file = '', connections, seconds, first] = process.argv.slice(2);
const { hostname, port, pathname, host } = new URL(address);
const template = readFileSync(file, 'utf8');
const requests = Array.from({ length: MADE_A_SECOND * Number(seconds) }, (_, i) => {
  const body = reviewOf(template, Number(first) + i);
  const head = `POST ${pathname}?timeout=10s HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`;
  return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
});

/** How long each answer took, in milliseconds. */
const latencies: number[] = [];
let failed = 0;

async function open(): Promise<TLSSocket> {
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket.setEncoding('latin1');
}

/** Send one request after the other, each when the one before is answered, until the deadline. */
function ask(socket: TLSSocket, deadline: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let answer = '';
    const next = () => {
      sentAt = performance.now();
      const request = sentAt < deadline ? requests.pop() : undefined;
      if (request === undefined) return resolve();
      answer = '';
      socket.write(request);
    };
    socket.on('data', (text: string) => {
      answer += text;
      if (!isWhole(answer)) return;
      latencies.push(performance.now() - sentAt);
      if (!answer.startsWith('HTTP/1.1 200 ')) failed++;
      next();
    });
    for (const event of ['error', 'end'])
      socket.once(event, () => reject(new Error(`a connection had its ${event}`)));
    next();
  });
}

function isWhole(answer: string): boolean {
  const body = answer.indexOf('\r\n\r\n') + 4;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  return body >= 4 && answer.length >= body + Number(length);
}

const sockets = await Promise.all(Array.from({ length: Number(connections) }, open));
const began = performance.now();
await Promise.all(sockets.map((socket) => ask(socket, began + Number(seconds) * 1000)));
const took = (performance.now() - began) / 1000;
for (const socket of sockets) socket.destroy();
if (requests.length === 0) throw new Error('all requests were sent before the time was over: make more');
console.log(
  JSON.stringify({
    failed,
    perSecond: latencies.length / took,
    p99: quantile(latencies, 0.99),
  }),
);
