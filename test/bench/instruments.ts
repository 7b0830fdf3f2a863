/** The instruments: small static C programs (`native/`), compiled once. Node's own spawn is too coarse a timer. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * @param name of a C file in `native/`
 * @returns the path of the executable
 */
export function instrument(root: string, name: string): string {
  const source = join(root, 'test/bench/native', `${name}.c`);
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  const folder = join(process.env.CURFEW_CACHE ?? join(homedir(), '.cache/curfew'), 'bench');
  const path = join(folder, `${name}-${process.arch}-${hash}`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const temporary = `${path}.${process.pid}`;
    execFileSync('gcc', ['-O2', '-static', '-Wall', '-Wextra', '-o', temporary, source], {
      stdio: 'inherit',
    });
    renameSync(temporary, path);
  }
  return path;
}
