/** Serves a folder of a site on loopback, as a host of static files would. */
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/**
 * @param base the path under which the site lies, with a slash at both ends
 * @param port 0: any that is free
 * @returns the server and its address, which ends with the base. @throws where the port is taken
 */
export async function serve(
  folder: string,
  base: string,
  port: number,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const file = fileOf(folder, base, request.url ?? '/');
    const name = file ?? join(folder, '404.html');
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': type });
    createReadStream(name)
      .on('error', () => response.destroy())
      .pipe(response);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1');
  return { server, url: `http://127.0.0.1:${address.port}${base}` };
}

/** The file that a request's target names, a folder's being its index.html; undefined: there is none. */
export function fileOf(folder: string, base: string, target: string): string | undefined {
  const path = decoded(target.replace(/[?#].*$/, ''));
  if (path?.startsWith(base) !== true) return undefined;
  // normalize() of an absolute path never leads above it.
  const place = join(folder, normalize(`/${path.slice(base.length)}`));
  const file = place.endsWith('/') ? join(place, 'index.html') : place;
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : undefined;
}

/** Undefined for what is no path: a broken escape, or a NUL, which no file has in its name. */
function decoded(path: string): string | undefined {
  try {
    const text = decodeURIComponent(path);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
