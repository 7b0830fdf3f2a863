/** The Markdown documents of the repository, and what stands in them. */
import { join } from 'node:path';
import { anchorOf } from '../../docs/site/anchors.ts';
import { readDocuments } from '../../docs/site/pages.ts';

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
export const DOCUMENTS = readDocuments(ROOT);

/** The links of a document and its pictures, but for those to the web. Code is no text, so what looks like a link there is none. */
export function linksOf(path: string, text: string): Link[] {
  return proseLines(text).flatMap(({ line, prose }) =>
    [...prose.matchAll(/\]\(([^()\s]+)\)|\s(?:src|srcset|href)="([^"]*)"/g)]
      .map(([, target, attribute]) => ({ from: path, line, target: target ?? attribute ?? '' }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  );
}

/** The anchors that a document's headings make, as GitHub and the site do; a second heading of the same text gets `-1`. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const { prose } of proseLines(text, (code) => code.slice(1, -1))) {
    const heading = /^#{1,6} +(.*?) *$/.exec(prose)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = anchorOf(plain);
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
