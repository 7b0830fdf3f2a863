/** Write the pages of docs/reference/ that are made from code; part of `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referencePages } from './reference-pages.ts';

for (const [path, content] of await referencePages()) writeFileSync(join(import.meta.dirname, path), content);
