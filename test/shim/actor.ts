/** Builds what containers run in tests: `actor.c`, and other programs of one file, once for all test files. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

export function buildActor(): string {
  return buildProgram(fileURLToPath(new URL('actor.c', import.meta.url)));
}

/**
 * The path of the static executable that this C file makes; other users may run it.
 * @param flags gcc's, beside the usual ones
 * @throws {Error} with gcc's words, when it does not compile
 */
export function buildProgram(source: string, flags: readonly string[] = []): string {
  const name = basename(source, '.c');
  const key = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  const folder = `${tmpdir()}/curfew-test-actor-${process.getuid?.() ?? 0}`;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  chmodSync(folder, 0o755);
  if (statSync(folder).uid !== process.getuid?.()) throw new Error(`${folder} is somebody else's`);
  const path = `${folder}/${name}-${key}`;
  if (existsSync(path)) return path;
  // Test files run side by side: each builds its own, and the last one's stays.
  const temporary = `${path}.${process.pid}`;
  const args = ['-static', '-O1', '-Wall', ...flags, '-o', temporary, source];
  const { status, stderr } = spawnSync('gcc', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`gcc cannot build ${source}:\n${stderr}`);
  chmodSync(temporary, 0o755);
  renameSync(temporary, path);
  return path;
}

/** What `actor report` prints of the process that it is. Bytes are in hexadecimal. */
export interface Report {
  fds: number[];
  groups: number[];
  /** Signals whose disposition is not the default. */
  notDefault: number[];
  argv: string[];
  env: string[];
  /** The signal mask, in hexadecimal. */
  blocked: string;
  pid: number;
  group: number;
  /** The terminal's foreground process group, -1 without a terminal. */
  foreground: number;
  session: number;
  uid: number;
  gid: number;
  umask: number;
  nofile: number;
  cwd: string;
}

/** Read the report that stands in a container's output. */
export function report(container: { stdout: string }): Report {
  const line = container.stdout.split('\n').find((item) => item.startsWith('{')) ?? '';
  // Written by actor.c, a few lines of which stand for a schema.
  const value: Report = JSON.parse(line);
  return value;
}
