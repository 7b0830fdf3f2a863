/** Servers that readiness conditions ask. */
import { once } from 'node:events';
import type { Server } from 'node:net';

/** Let a server listen. @param port 0: any @returns its port */
export async function listenOn(server: Server, port = 0, host = '127.0.0.1'): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
}
