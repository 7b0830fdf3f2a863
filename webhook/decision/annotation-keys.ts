import { nearest } from '../shared/spelling.ts';
import { quote } from '../shared/wording.ts';
import { type NotWrapped, type Reason, refuse } from './mutation.ts';
import {
  ENTRYPOINT,
  INJECT_LABEL,
  LOG,
  MAINS,
  PREFIX,
  READY,
  SIDECARS,
  START_TIMEOUT,
  STOP_SIGNAL,
  STOP_TIMEOUT,
} from './vocabulary.ts';

/** The annotations, the per-container ones by their domain, with an example of each one's value. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  [SIDECARS]: 'cloud-sql-proxy, vault-agent',
  [MAINS]: 'app',
  [START_TIMEOUT]: '2m',
  [LOG]: 'debug',
  [ENTRYPOINT]: '["/program", "--flag"]',
  [READY]: 'http://:15021/healthz/ready, tcp://:5432, exec: pg_isready, or none',
  [STOP_SIGNAL]: 'INT',
  [STOP_TIMEOUT]: '20s',
};

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
export function isContainerDomain(domain: string): boolean {
  return domain !== PREFIX && Object.hasOwn(EXAMPLES, domain);
}

/** A key as a message shows it: unquoted where it is plain. */
export function shownKey(key: string): string {
  return /^[-A-Za-z0-9._/]{1,120}$/.test(key) ? key : quote(key, 100);
}
