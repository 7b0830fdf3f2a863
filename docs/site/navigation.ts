/** What stands at the side of every page: the documents in groups, as README.md's "Read on" has them. */
import { matchesGlob } from 'node:path';
import { pageOf } from './pages.ts';

export interface Group {
  text: string;
  items: readonly { text: string; link: string }[];
}

/** Each group's documents, in order; a document belongs to the first that names it, and what a glob adds is sorted by path. */
const GROUPS: readonly { text: string; documents: readonly string[] }[] = [
  {
    text: 'Use',
    documents: [
      'README.md',
      'examples/**/*.md',
      'docs/guides/production.md',
      'docs/guides/shim-or-native.md',
      'docs/guides/troubleshooting.md',
      'docs/guides/*.md',
      'docs/upgrading.md',
      'docs/limits.md',
    ],
  },
  { text: 'Promises', documents: ['docs/contract.md', 'docs/conformance.md'] },
  {
    text: 'Reference',
    documents: ['docs/reference/annotations.md', 'docs/reference/*.md', 'charts/**/*.md'],
  },
  { text: 'Design', documents: ['docs/design/review.md', 'docs/design/*.md'] },
  { text: 'Evidence', documents: ['docs/verification.md', 'docs/benchmarks.md', 'test/**/*.md'] },
  {
    text: 'Project',
    documents: ['CONTRIBUTING.md', 'SECURITY.md', 'RELEASE.md', 'CHANGELOG.md'],
  },
];

/**
 * The groups with their pages.
 * @param titles each document's title, by its path from the root
 * @throws where a document belongs to no group
 */
export function navigation(titles: ReadonlyMap<string, string>): Group[] {
  const left = new Set(titles.keys());
  const groups = GROUPS.map(({ text, documents }) => {
    const paths = documents.flatMap((glob) => [...left].filter((path) => matchesGlob(path, glob)).sort());
    const own = [...new Set(paths)];
    for (const path of own) left.delete(path);
    return { text, items: own.map((path) => ({ text: titles.get(path) ?? path, link: linkTo(path) })) };
  });
  if (left.size > 0)
    throw new Error(`no group of docs/site/navigation.ts names ${[...left].join(', ')}: add it to one`);
  return groups;
}

/** The address of a document's page, from the site's root. */
export function linkTo(path: string): string {
  return `/${pageOf(path)
    .replace(/(^|\/)index\.md$/, '$1')
    .replace(/\.md$/, '.html')}`;
}
