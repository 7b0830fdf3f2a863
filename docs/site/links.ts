/** What becomes of the documents' links, which are written for the files of the repository. */
import { dirname, join, normalize, relative } from 'node:path/posix';
import { pageOf } from './pages.ts';

/** What a link may lead to. */
export interface Places {
  /** Each document's path from the root. */
  documents: ReadonlySet<string>;
  /** Whether there is such a file or folder, by its path from the root. */
  kind(path: string): 'file' | 'folder' | undefined;
  /** Where people see the repository, without a slash at the end. */
  repository: string;
}

/**
 * A link to a document leads to its page, one to another file or a folder to the repository. An address or an anchor stays as it is, and so
 * does a link that leads nowhere: VitePress then names it.
 * @param from the document that the link stands in, from the root
 */
export function linkInSite(from: string, target: string, { documents, kind, repository }: Places): string {
  if (/^([a-z][a-z0-9+.-]*:|\/\/|#)/i.test(target)) return target;
  const [path = '', ...anchor] = target.split(/(?=#)/);
  const to = normalize(join(dirname(from), decodeURI(path))).replace(/\/$/, '');
  const readme = join(to, 'README.md');
  const document = documents.has(to) ? to : documents.has(readme) ? readme : undefined;
  if (document !== undefined) {
    const way = relative(dirname(pageOf(from)), pageOf(document));
    return `${way.startsWith('.') ? way : `./${way}`}${anchor.join('')}`;
  }
  const found = kind(to);
  if (found === undefined) return target;
  return `${repository}/${found === 'file' ? 'blob' : 'tree'}/main/${to}${anchor.join('')}`;
}
