/** The Markdown documents of the repository, which are the pages of the site. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const GLOBS = ['*.md', 'docs/**/*.md', 'charts/**/*.md', 'test/**/*.md', 'examples/**/*.md'];

/** Every document, by its path from the root. */
export function readDocuments(root: string): ReadonlyMap<string, string> {
  const paths = globSync(GLOBS, { cwd: root, exclude: (path) => path.endsWith('node_modules') }).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

/** Where a document's page lies in the site, as Markdown: a README is its folder's index. */
export function pageOf(path: string): string {
  return path.replace(/(^|\/)README\.md$/, '$1index.md');
}

/** The first heading, without its marks. @throws where a document has none */
export function titleOf(path: string, text: string): string {
  const title = /^# +(.+?) *$/m.exec(text)?.[1];
  if (title === undefined)
    throw new Error(`${path} has no heading of the first level: its page needs a title`);
  return title.replaceAll('`', '');
}
