/**
 * A program run in a container, and a connection to a pod's port, over the API server's WebSockets (subprotocol v4.channel.k8s.io, which
 * every server since Kubernetes 1.20 speaks): each message begins with the number of its channel.
 */
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { type RawData, WebSocket } from 'ws';
import { isRecord, member, parseJsonObject } from '../shared/json.ts';
import { A_PERSON, KubernetesError, refusal } from './error.ts';
import { trustOf, urlOf } from './request.ts';

/** What a program in a container printed, and its exit code. */
export interface Executed {
  stdout: string;
  stderr: string;
  code: number;
}

/** A pod's subresource to open. */
interface Opening {
  /** For messages: `exec in pods/a of namespace b`. */
  action: string;
  /** With its query. */
  path: string;
  /** Milliseconds; for {@link forward} until it is open. */
  deadline: number;
}

const PROTOCOL = 'v4.channel.k8s.io';
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
/** One message; the kubelet sends what it read at once, at most 32 KiB. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/**
 * Run a program in a container and read its output.
 * @param most bytes of output; more is an error
 * @throws {KubernetesError} also where the container's runtime cannot start the program (`refused`)
 */
export async function execute(config: KubeConfig, opening: Opening, most: number): Promise<Executed> {
  const { action, deadline } = opening;
  const end = performance.now() + deadline;
  const socket = await open(config, opening);
  const outputs: Record<number, Buffer[]> = { [STDOUT]: [], [STDERR]: [], [STATUS]: [] };
  let length = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new KubernetesError('timeout', action, `no end within ${deadline} ms`)),
        Math.max(end - performance.now(), 1),
      );
      socket.on('message', (data) => {
        const message = bytesOf(data);
        const list = outputs[message[0] ?? -1];
        length += message.length;
        if (length > most)
          reject(new KubernetesError('too-long', action, `the output is longer than ${most} bytes`));
        else list?.push(message.subarray(1));
      });
      socket.on('error', (error) => reject(unreachable(action, error)));
      socket.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.resume();
    });
  } finally {
    socket.terminate();
  }
  const text = (channel: number) => Buffer.concat(outputs[channel] ?? []).toString('utf8');
  return { stdout: text(STDOUT), stderr: text(STDERR), code: codeOf(text(STATUS), action) };
}

/** The last message is a Status: success, or the code as a cause. */
function codeOf(text: string, action: string): number {
  const status = parseJsonObject(text);
  if (status === undefined)
    throw new KubernetesError('malformed', action, 'the connection ended without a result');
  if (member(status, 'status') === 'Success') return 0;
  const details = member(status, 'details');
  const causes = isRecord(details) ? member(details, 'causes') : undefined;
  for (const cause of Array.isArray(causes) ? causes : []) {
    if (isRecord(cause) && member(cause, 'reason') === 'ExitCode') {
      const code = Number(member(cause, 'message'));
      if (Number.isInteger(code)) return code;
    }
  }
  const said = member(status, 'message');
  const error = new KubernetesError('refused', action, 'the program cannot be run in that container');
  error.said = typeof said === 'string' ? said.slice(0, 2_000) : undefined;
  throw error;
}

/**
 * Connect to a port of a pod.
 * @throws {KubernetesError}
 */
export async function forward(config: KubeConfig, opening: Opening): Promise<Duplex> {
  const socket = await open(config, opening);
  const announced = new Set<number>();
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => socket.send(Buffer.concat([Buffer.of(0), chunk]), done),
    final: (done) => {
      socket.close();
      done();
    },
    destroy: (error, done) => {
      socket.terminate();
      done(error);
    },
  });
  socket.on('message', (data) => {
    const message = bytesOf(data);
    const channel = message[0] ?? 0;
    // The first message of each channel says the port.
    if (!announced.has(channel)) announced.add(channel);
    else if (channel === 0) {
      if (!stream.push(message.subarray(1))) socket.pause();
    } else stream.destroy(new Error(message.subarray(1).toString('utf8').slice(0, 300)));
  });
  socket.on('error', (error) => stream.destroy(error));
  socket.on('close', () => stream.push(null));
  socket.resume();
  return stream;
}

/** Paused, so that no message is missed before somebody listens. */
async function open(config: KubeConfig, { action, path, deadline }: Opening): Promise<WebSocket> {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new KubernetesError('no-cluster', action, 'the kubeconfig has no cluster');
  const url = urlOf(server, path);
  url.protocol = 'wss:';
  const { headers, auth, ca, cert, key, servername, rejectUnauthorized } = await trustOf(config);
  const socket = new WebSocket(url, [PROTOCOL], {
    ...Object.fromEntries(
      Object.entries({ auth, ca, cert, key, servername, rejectUnauthorized }).filter(
        ([, value]) => value !== undefined && value !== null,
      ),
    ),
    headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])),
    handshakeTimeout: deadline,
    maxPayload: MAX_MESSAGE,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (request, response) => {
      reject(refused(action, response));
      request.destroy();
    });
    socket.once('error', (error) => reject(unreachable(action, error)));
    socket.once('open', () => {
      socket.removeAllListeners('error');
      socket.pause();
      resolve(socket);
    });
  });
}

function refused(action: string, { statusCode = 500 }: IncomingMessage): KubernetesError {
  return refusal(action, statusCode, undefined, A_PERSON);
}

function unreachable(action: string, error: Error): KubernetesError {
  if (error instanceof KubernetesError) return error;
  const code = 'code' in error ? String(error.code).slice(0, 64) : 'unknown error';
  return new KubernetesError('unreachable', action, `the API server cannot be reached (${code})`);
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
