import { nearest } from '../shared/spelling.ts';
import { quote } from '../shared/wording.ts';
import { type NotWrapped, type Reason, refuse } from './mutation.ts';
import { type ContainerDomain, INJECT_LABEL, PREFIX, VOCABULARY } from './vocabulary.ts';

/** The annotations, the per-container ones by their domain, with an example of each one's value. */
export const EXAMPLES: Readonly<Record<string, string>> = Object.fromEntries(
  VOCABULARY.filter(({ where }) => where === 'pod annotation').map(({ key, examples }) => [
    key,
    anyOf(examples),
  ]),
);

/** @example anyOf(['tcp://:5432', 'none']) // 'tcp://:5432, or none' */
function anyOf(examples: readonly string[]): string {
  return [...examples.slice(0, -1), `${examples.length > 1 ? 'or ' : ''}${examples.at(-1)}`].join(', ');
}

/** V4: an annotation under our prefix that is none of ours, with the one that was perhaps meant. */
export function unknownAnnotation(key: string): NotWrapped {
  return unknown('unknown-annotation', 'annotation', key, Object.keys(EXAMPLES).map(withContainer));
}

/** V4: a label under our prefix that is none of ours. */
export function unknownLabel(key: string): NotWrapped {
  return unknown('unknown-label', 'label', key, [INJECT_LABEL]);
}

function unknown(reason: Reason, kind: 'annotation' | 'label', key: string, known: string[]): NotWrapped {
  const isAnnotation = kind === 'annotation';
  const misplaced =
    isAnnotation && key === INJECT_LABEL
      ? ` (${INJECT_LABEL} is a label)`
      : !isAnnotation && (Object.hasOwn(EXAMPLES, key) || isContainerDomain(key.slice(0, key.indexOf('/'))))
        ? ' (it is an annotation)'
        : '';
  const meant = misplaced === '' && isAnnotation ? likelyMeant(key) : undefined;
  const hint = meant === undefined ? '' : `, perhaps ${meant} was meant`;
  return refuse({
    reason,
    message: `${kind} ${shownKey(key)} means nothing to Curfew${misplaced}${hint}; its ${kind}s are: ${known.join(', ')}`,
  });
}

/** The annotation whose word beside the prefix (`sidecars`, `ready`) is nearest to this key's. */
function likelyMeant(key: string): string | undefined {
  const ownWord = (text: string) =>
    text.startsWith(`${PREFIX}/`)
      ? text.slice(PREFIX.length + 1)
      : text.slice(0, Math.max(text.indexOf(`.${PREFIX}`), 0));
  const words = new Map(Object.keys(EXAMPLES).map((known) => [ownWord(known), withContainer(known)]));
  const word = nearest(ownWord(key), words.keys());
  return word === undefined ? undefined : words.get(word);
}

function withContainer(key: string): string {
  return key.includes('/') ? key : `${key}/<container>`;
}

/** Is it the domain of a per-container annotation? */
export function isContainerDomain(domain: string): domain is ContainerDomain {
  return domain !== PREFIX && Object.hasOwn(EXAMPLES, domain);
}

/** A key as a message shows it: unquoted where it is plain. */
export function shownKey(key: string): string {
  return /^[-A-Za-z0-9._/]{1,120}$/.test(key) ? key : quote(key, 100);
}
