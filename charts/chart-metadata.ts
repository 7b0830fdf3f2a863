/** Chart.yaml's parts that say what stands elsewhere: the version of package.json, the images, and in a release the changes. */
import { parseDocument, stringify } from 'yaml';
import { VERSION } from '../webhook/decision/policy.ts';
import type { ChangelogSection } from './changelog.ts';

/** An image of the release, as Artifact Hub lists it. */
export interface ListedImage {
  name: string;
  /** With its tag or its digest. */
  image: string;
}

/**
 * Chart.yaml with them. Artifact Hub's annotations are described at https://artifacthub.io/docs/topics/annotations/helm/.
 * @param text Chart.yaml, of which everything else stays as it is
 * @param section what the version brought; left out, the changes are not told, as in the repository
 */
export function chartMetadata(
  text: string,
  images: readonly ListedImage[],
  section?: ChangelogSection,
): string {
  const document = parseDocument(text);
  document.set('version', VERSION);
  document.set('appVersion', VERSION);
  const annotate = (key: string, value: unknown) =>
    document.setIn(
      ['annotations', `artifacthub.io/${key}`],
      typeof value === 'boolean' ? String(value) : stringify(value, { lineWidth: 0 }),
    );
  annotate('prerelease', VERSION.includes('-'));
  annotate(
    'images',
    images.map((image) => ({ ...image, platforms: ['linux/amd64', 'linux/arm64'] })),
  );
  if (section !== undefined) {
    annotate(
      'containsSecurityUpdates',
      section.changes.some(({ kind }) => kind === 'Security'),
    );
    annotate(
      'changes',
      section.changes.map((change) => ({
        kind: change.kind.toLowerCase(),
        description: plain(change.text),
      })),
    );
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Markdown as text: links by their words, no code marks. */
function plain(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
}
