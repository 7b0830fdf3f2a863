import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as turnOver } from 'node:timers/promises';

/** A connection without a byte is idle after this time. */
const FIRST_BYTE_MS = 1_000;

/**
 * A server's connections, so that they can be ended without losing a request.
 *
 * A POST that meets a closed connection fails: HTTP/1.1 announces the end of a connection only by `connection: close` in an answer, and Go's
 * client repeats only a request that cannot have had an effect (net/http, transport.go, isReplayable). Then the pod is refused. So a
 * connection is closed here only when nothing that came over it is unread.
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

  /**
   * End the idle connections; called again and again until none is left. The first call must come before the server's own close(), which ends
   * connections without a look at what is unread.
   */
  async endIdle(): Promise<void> {
    // When this resolves, the turn of the event loop has read all that had come.
    await turnOver();
    this.server.closeIdleConnections();
    // Node counts a connection that was never used as busy. A client's pool may hold some.
    const now = performance.now();
    for (const [socket, since] of this.since)
      if (socket.bytesRead === 0 && now - since > FIRST_BYTE_MS) socket.destroy();
  }
}
