import type { Wishes } from './annotations.ts';
import { entriesByImage, entriesByName } from './catalogue-index.ts';
import { DEFAULT_ORDER, type KnownSidecar, knownRepository, knownSidecar } from './known-sidecar.ts';
import type { ContainerView, PodView } from './pod.ts';
import { MAINS, SIDECARS } from './vocabulary.ts';

/** A container that looks like a known sidecar and counts as a main: if it is one, its pod never ends. */
export interface NearMiss {
  container: string;
  /** What is known of it; the other is not. */
  known: 'name' | 'image';
}

/** The near misses of a pod, and the annotation that makes sidecars of them. */
export interface NearMisses {
  /** At least one. */
  found: readonly NearMiss[];
  /** `curfew.dev/sidecars: ...` with all sidecars of the pod, known ones among them, in start order. */
  annotation: string;
}

/**
 * Containers of which the catalogue knows the name and not the image, or the image and not the name.
 * @returns undefined where there is none, or where no main would be left: the only container of a pod serves nobody
 */
export function findNearMisses(pod: PodView, catalogue: readonly KnownSidecar[]): NearMisses | undefined {
  const found: NearMiss[] = [];
  const sidecars: { name: string; order: number }[] = [];
  for (const container of pod.containers) {
    const { name, image } = container;
    const known = knownSidecar(catalogue, name, image);
    const near = known === undefined ? nearest(container, catalogue) : undefined;
    const entry = known ?? near?.entry;
    if (near !== undefined) found.push({ container: name, known: near.known });
    if (entry !== undefined) sidecars.push({ name, order: entry.order ?? DEFAULT_ORDER });
  }
  if (found.length === 0 || sidecars.length === pod.containers.length) return undefined;
  const names = sidecars.sort((a, b) => a.order - b.order).map(({ name }) => name);
  return { found, annotation: `${SIDECARS}: ${names.join(', ')}` };
}

/** In words, for one of several sentences. */
function nearMissText({ container, known }: NearMiss): string {
  const [is, isNot] = known === 'name' ? ['name', 'image'] : ['image', 'name'];
  return `container ${container} may be a sidecar (its ${is} is known, its ${isNot} is not)`;
}

/** In words, for a pod that is left alone. What must be written comes first: a warning is cut. */
export function nearMissMessage({ found, annotation }: NearMisses): string {
  const [first, ...others] = found;
  if (first === undefined) return '';
  const more = others.map(({ container }) => container).slice(0, 8);
  const also = more.length === 0 ? '' : `, and so may ${more.join(', ')}`;
  return `${nearMissText(first)}${also}: write ${annotation}, or list it in ${MAINS} if it ends by itself`;
}

/** Of a pod that is wrapped for another container's sake, where no annotation says which containers are sidecars. */
export function warnOfNearMisses(
  pod: PodView,
  wishes: Wishes,
  catalogue: readonly KnownSidecar[],
  warn: (text: string) => void,
): void {
  if (wishes.sidecars !== undefined || wishes.mains !== undefined) return;
  const near = findNearMisses(pod, catalogue);
  for (const one of near?.found ?? [])
    warn(`${nearMissText(one)}, and the pod ends only when it does: write ${near?.annotation}`);
}

function nearest(
  container: ContainerView,
  catalogue: readonly KnownSidecar[],
): { entry: KnownSidecar; known: NearMiss['known'] } | undefined {
  const { name, image } = container;
  const byName = entriesByName(catalogue, name).find(({ vague }) => !vague?.names?.includes(name));
  const repository = byName === undefined ? knownRepository(image) : undefined;
  const byImage =
    repository === undefined
      ? undefined
      : entriesByImage(catalogue, repository).find((entry) => isHint(entry, container));
  const entry = byName ?? byImage;
  if (entry === undefined || catalogue.some(({ disabled }) => disabled?.includes(name))) return undefined;
  return { entry, known: byName === undefined ? 'image' : 'name' };
}

/** Does the image alone say that the container is a sidecar? */
function isHint({ vague }: KnownSidecar, { image = '', command = [], args = [] }: ContainerView): boolean {
  const needed = vague?.imageWithout;
  if (needed === undefined) return true;
  // The image's own program runs where nothing stands in its place, at most flags beside it.
  const runsOwn = command.length === 0 && (args[0] ?? '-').startsWith('-');
  const tag = runsOwn ? (/:([^:/@]*)(?:@|$)/.exec(image)?.[1] ?? '') : '';
  // A shell's script is one word: `vault agent -config=...`.
  const words = [...command, ...args].flatMap((text) => text.slice(0, 4_096).split(/\s+/));
  return [...words, ...tag.split('-')].some((word) => needed.includes(word));
}
