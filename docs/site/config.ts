/** The site, as VitePress is to build it from the repository's own Markdown. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { anchorOf } from './anchors.ts';
import type { Places } from './links.ts';
import { frameBlocks, isTabular, labelCells, type Renderer, rewriteLinks } from './markdown.ts';
import { navigation } from './navigation.ts';
import { pageOf, readDocuments, titleOf } from './pages.ts';

const CHART = z.object({ home: z.url(), description: z.string() });

/**
 * The pages are rendered with the Vue of docs/site, from which VitePress imports what it has bundled. A document lies above that folder, so
 * that Vite would not find it from there.
 */
const VUE_OF_THE_SITE = {
  name: 'vue-of-the-site',
  enforce: 'pre',
  resolveId: (id: string, _importer: unknown, { ssr }: { ssr?: boolean }) =>
    ssr === true && /^vue(\/server-renderer)?$/.test(id) ? { id, external: true } : undefined,
};

/** A moon: a curfew is at night. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#5c93e6" d="M6 1a7 7 0 1 0 9 9 6 6 0 0 1-9-9z"/></svg>';

/**
 * @param root the repository
 * @param base the path under which the site is served, with a slash at both ends
 */
export function siteConfig(root: string, base: string) {
  const documents = readDocuments(root);
  const chart = CHART.parse(parse(readFileSync(join(root, 'charts/curfew/Chart.yaml'), 'utf8')));
  const titles = new Map([...documents].map(([path, text]) => [path, titleOf(path, text)]));
  const places: Places = {
    documents: new Set(documents.keys()),
    kind: (path) => kindOf(join(root, path)),
    repository: chart.home,
  };
  return {
    title: 'Curfew',
    description: chart.description,
    lang: 'en',
    base,
    srcDir: root,
    srcExclude: otherMarkdown(root, places.documents),
    outDir: join(root, 'dist/docs'),
    cacheDir: join(root, 'dist/.docs-cache'),
    rewrites: Object.fromEntries([...documents.keys()].map((path) => [path, pageOf(path)])),
    head: [
      ['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }],
      ['style', {}, readFileSync(join(root, 'docs/site/style.css'), 'utf8')],
    ],
    markdown: {
      anchor: { slugify: anchorOf },
      config(md: Renderer) {
        rewriteLinks(md, root, places);
        labelCells(md);
        frameBlocks(md);
      },
    },
    transformPageData: ({ filePath }: { filePath: string }) =>
      isTabular(documents.get(filePath) ?? '') ? { frontmatter: { aside: false } } : undefined,
    vite: { plugins: [VUE_OF_THE_SITE] },
    themeConfig: {
      search: { provider: 'local' },
      sidebar: navigation(titles),
      nav: [{ text: 'Repository', link: chart.home }],
      outline: [2, 3],
      notFound: {
        title: 'There is no such page',
        quote: 'The search finds the others.',
        linkText: 'To the beginning',
      },
      editLink: { pattern: `${chart.home}/blob/main/:path`, text: 'This page in the repository' },
    },
  };
}

/** Every Markdown file that is no document: VitePress takes what it finds. */
function otherMarkdown(root: string, documents: ReadonlySet<string>): string[] {
  const exclude = (path: string) => /(^|\/)(node_modules|dist|\.git)$/.test(path);
  return globSync('**/*.md', { cwd: root, exclude }).filter((path) => !documents.has(path));
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isDirectory() ? 'folder' : 'file';
}
