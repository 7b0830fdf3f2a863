/** Keys without our prefix, or with one that looks like it, whose author meant Curfew. */
import {
  ENTRYPOINT,
  isOurs,
  MAINS,
  PREFIX,
  READY,
  SIDECARS,
  START_TIMEOUT,
  STOP_SIGNAL,
  STOP_TIMEOUT,
  VOCABULARY,
} from './vocabulary.ts';

/** Words that nobody else is likely to write without a prefix. */
const OWN_WORDS: ReadonlySet<string> = new Set([SIDECARS, MAINS, START_TIMEOUT].map(nameOf));
/** All words, for keys whose prefix looks like ours. */
const WORDS: ReadonlySet<string> = new Set(
  VOCABULARY.filter(({ perContainer }) => !perContainer).map(({ key }) => nameOf(key)),
);
/** `ready` in place of `ready.curfew.dev`. */
const DOMAINS: ReadonlyMap<string, string> = new Map(
  [ENTRYPOINT, READY, STOP_SIGNAL, STOP_TIMEOUT].map((domain) => [
    domain.slice(0, -PREFIX.length - 1),
    domain,
  ]),
);
/** The key that its author may have meant; undefined for one that is ours, or anybody's. */
export function meantKey(key: string, containers: readonly string[]): string | undefined {
  if (isOurs(key)) return undefined;
  const slash = key.lastIndexOf('/');
  const [prefix, name] = slash < 0 ? ['', key] : [key.slice(0, slash), key.slice(slash + 1)];
  const domain = DOMAINS.get(prefix) ?? DOMAINS.get(prefix.replace(/\.curfew\b.*$/, ''));
  if (domain !== undefined && containers.includes(name)) return `${domain}/${name}`;
  if (prefix === '' ? OWN_WORDS.has(name) : /(?:^|\.)curfew(?:$|\.)/.test(prefix) && WORDS.has(name))
    return `${PREFIX}/${name}`;
  return undefined;
}

function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
