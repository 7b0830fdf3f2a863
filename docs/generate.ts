/** Write the pages of docs/reference/ that are made from code, and the pictures; part of `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referencePages } from './reference-pages.ts';
import { timelinePictures } from './timeline.ts';

for (const [path, content] of [...(await referencePages()), ...timelinePictures()])
  writeFileSync(join(import.meta.dirname, path), content);
