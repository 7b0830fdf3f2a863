/** `npm run release:lock`: write debian-lock.json anew, with what Debian has today. Read what changed before it is committed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Debian } from './debian.ts';
import { LOCK_FILE, WANTED } from './debian-lock.ts';
import { toEnd } from './program.ts';

const HELP = `usage: npm run release:lock -- [--help]

Writes release/debian-lock.json anew: of each Debian package that has a part in a release, the newest version of the
mirror, and its checksum. CURFEW_DEBIAN_MIRROR may name another mirror than the machine's own.
`;

await toEnd('release:lock', () => {
  const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
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
