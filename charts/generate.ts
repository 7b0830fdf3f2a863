/** Write what is made from other files under charts/, part of `npm run generate`: values.schema.json, the README's tables, the manifests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchClients } from './clients.ts';
import { describingFiles, manifestFiles } from './generated-files.ts';

const { helm } = await fetchClients();
for (const [path, content] of describingFiles()) writeFileSync(join(import.meta.dirname, path), content);
// This comes last, because Helm reads the schema.
for (const [path, content] of manifestFiles(helm)) writeFileSync(join(import.meta.dirname, path), content);
