/** `npm run release:lock`: write debian-lock.json anew, with what Debian has today. Read what changed before it is committed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Debian } from './debian.ts';
import { LOCK_FILE, WANTED } from './debian-lock.ts';
import { toEnd } from './program.ts';

await toEnd('release:lock', () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-lock-'));
  try {
    const debian = new Debian(folder);
    const packages = WANTED.flatMap(({ purpose, suite, names, architectures }) =>
      architectures.flatMap((architecture) =>
        debian.find(suite, names, architecture).map((item) => ({ purpose, ...item })),
      ),
    );
    writeFileSync(LOCK_FILE, `${JSON.stringify({ packages }, null, 2)}\n`);
    console.log(`${LOCK_FILE}: ${packages.length} packages`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
