import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as turnOver } from 'node:timers/promises';

/** How long a client that has just connected has until its first byte. */
const FIRST_BYTE_MS = 1_000;

/**
 * A server's connections, so that they can be ended without losing a request.
 *
 * HTTP/1.1 has no word for "I am about to hang up" but `connection: close` in an answer, and a POST that meets a closed connection fails:
 * Go's client tries only a request again that cannot have had an effect (net/http, transport.go, isReplayable), and the pod is refused. So
 * a connection is closed here only when nothing that came over it is unread.
 */
export class OpenConnections {
  private readonly server: Server;
  private readonly since = new Map<Socket, number>();

  constructor(server: Server) {
    this.server = server;
    server.on('secureConnection', (socket: Socket) => {
      this.since.set(socket, performance.now());
      socket.once('close', () => this.since.delete(socket));
    });
  }

  /** End those on which nothing is going on; to be called until none is left. Call it before the server's own close(), which looks nowhere. */
  async endIdle(): Promise<void> {
    // The turn that ends with this has read all that had come.
    await turnOver();
    this.server.closeIdleConnections();
    // Node takes a connection that was never used for a busy one. A client's pool may hold some.
    const now = performance.now();
    for (const [socket, since] of this.since)
      if (socket.bytesRead === 0 && now - since > FIRST_BYTE_MS) socket.destroy();
  }
}
