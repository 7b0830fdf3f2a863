/** The Markdown documents of the repository, and what stands in them. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A link to somewhere else than the web. */
export interface Link {
  /** The document that it stands in, from the root. */
  from: string;
  line: number;
  /** As it is written: `path`, `path#anchor` or `#anchor`. */
  target: string;
}

/** Every document, by its path from the root. */
export const DOCUMENTS: ReadonlyMap<string, string> = new Map(
  globSync(['*.md', 'docs/**/*.md', 'charts/**/*.md', 'test/**/*.md', 'examples/**/*.md'], { cwd: ROOT })
    .sort()
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
);

/** The links of a document, but for those to the web. Code is no text, so what looks like a link there is none. */
export function linksOf(path: string, text: string): Link[] {
  return proseLines(text).flatMap(({ line, prose }) =>
    [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
      .map(([, target = '']) => ({ from: path, line, target }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  );
}

/**
 * The anchors that a document's headings make, as GitHub does: small letters, blanks to hyphens, nothing else but letters, digits, hyphens and
 * underscores; a second heading of the same text gets `-1`.
 */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const { prose } of proseLines(text, (code) => code.slice(1, -1))) {
    const heading = /^#{1,6} +(.*?) *$/.exec(prose)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The lines outside of code blocks, with what becomes of code inside a line. */
function proseLines(
  text: string,
  inline: (code: string) => string = () => '',
): { line: number; prose: string }[] {
  let fenced = false;
  return text.split('\n').flatMap((content, index) => {
    if (/^\s*```/.test(content)) {
      fenced = !fenced;
      return [];
    }
    return fenced ? [] : [{ line: index + 1, prose: content.replace(/`[^`]*`/g, inline) }];
  });
}
