/** VitePress looks for its configuration here. It is bundled before it runs, so where it lies is told by where the build runs. */
import { join } from 'node:path';
import { siteConfig } from '../config.ts';

export default siteConfig(join(process.cwd(), '..', '..'), process.env.CURFEW_DOCS_BASE ?? '/');
