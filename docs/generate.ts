/** Write the pages of docs/reference/ that are made from code, the pictures, and the version in README.md; part of `npm run generate`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../webhook/decision/policy.ts';
import { withVersion } from './readme.ts';
import { referencePages } from './reference-pages.ts';
import { timelinePictures } from './timeline.ts';

for (const [path, content] of [...(await referencePages()), ...timelinePictures()])
  writeFileSync(join(import.meta.dirname, path), content);

const readme = join(import.meta.dirname, '..', 'README.md');
writeFileSync(readme, withVersion(readFileSync(readme, 'utf8'), VERSION));
