/** Whether a built site holds together: what its pages link to is in it, and they load nothing from elsewhere. */
import { dirname, join, normalize } from 'node:path/posix';

const ATTRIBUTES = /\s(?:href|src)="([^"]*)"/g;
/** What a browser loads without being asked: everything but an anchor's href. */
const LOADED = /<(?:link|script|img|iframe|source|video|audio)\b[^>]*?\s(?:href|src|srcset)="([^"]*)"/g;
const IMPORTED = /url\(\s*["']?((?:https?:)?\/\/[^)"']+)|@import\s+["']([^"']+)/g;
/** A block of code that VitePress has not framed. */
const BARE_BLOCK = /<pre(?![^>]*\bvp-code\b)/;
const OUTSIDE = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;

/**
 * @param texts the HTML and CSS of the site, by path from its root
 * @param files the paths of all its files
 * @param base the path under which it is served, with a slash at both ends
 * @returns what is wrong, one line each
 */
export function problemsOf(
  texts: ReadonlyMap<string, string>,
  files: ReadonlySet<string>,
  base: string,
): string[] {
  const pages = [...texts].filter(([path]) => path.endsWith('.html'));
  const anchors = new Map(pages.map(([path, text]) => [path, anchorsIn(text)]));
  const problems = pages.flatMap(([path, text]) =>
    targetsOf(text)
      .filter((target) => !OUTSIDE.test(target))
      .flatMap((target) => {
        const [place = '', anchor] = target.split('#');
        const file = place === '' ? path : fileOf(path, place, base);
        if (!files.has(file)) return [`${path}: ${target} leads nowhere`];
        const known =
          anchor === undefined || anchor === '' || anchors.get(file)?.has(decodeURIComponent(anchor));
        return known === false ? [`${path}: ${target}: no heading of ${file} has this anchor`] : [];
      }),
  );
  const foreign = [...texts].flatMap(([path, text]) =>
    loadedBy(text)
      .filter((target) => /^(?:https?:|\/\/)/i.test(target))
      .map((target) => `${path}: loads ${target}, and a page may load only what is in the site`),
  );
  const bare = pages
    .filter(([, text]) => BARE_BLOCK.test(text))
    .map(([path]) => `${path}: a block of code has no frame, so a long line leaves a narrow screen`);
  return [...new Set([...problems, ...foreign, ...bare])];
}

function targetsOf(text: string): string[] {
  return [...text.matchAll(ATTRIBUTES)].map(([, target = '']) => unescaped(target));
}

function loadedBy(text: string): string[] {
  const elements = [...text.matchAll(LOADED)].map(([, target = '']) => unescaped(target));
  const imports = [...text.matchAll(IMPORTED)].map(([, address, file]) => address ?? file ?? '');
  return [...elements, ...imports];
}

function anchorsIn(text: string): Set<string> {
  return new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => unescaped(id)));
}

/** The file of a link, from the site's root. */
function fileOf(from: string, place: string, base: string): string {
  const path = decodeURI(place.startsWith(base) ? place.slice(base.length) : join(dirname(from), place));
  const file = normalize(path === '' ? './' : path);
  return file.endsWith('/') ? normalize(`${file}index.html`) : file;
}

function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}
