/** Patterns for container names and image repositories: a text in which `*` stands for any characters, also none. */

/**
 * Does the text match the pattern? Without backtracking: each part is looked for once, from where the one before it ended.
 * @example matchesPattern('csql-*', 'csql-shop-orders') // true
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === text;
  if (!text.startsWith(pattern.slice(0, star))) return false;
  const last = pattern.slice(pattern.lastIndexOf('*') + 1);
  if (!text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = star;
  for (const part of pattern.slice(star + 1, Math.max(pattern.lastIndexOf('*'), star + 1)).split('*')) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}

/**
 * Does a repository end with the pattern, cut at a `/`? A `*` stays within its part of the path.
 * @example matchesRepository('istio/proxyv2', 'registry.local/mirror/istio/proxyv2') // true
 */
export function matchesRepository(pattern: string, repository: string): boolean {
  if (!pattern.includes('*')) {
    if (!repository.endsWith(pattern)) return false;
    return repository.length === pattern.length || repository.at(-pattern.length - 1) === '/';
  }
  // The last part first: nearly always it is another one.
  const [ofPattern, ofRepository] = [pattern.lastIndexOf('/'), repository.lastIndexOf('/')];
  if (!matchesPattern(pattern.slice(ofPattern + 1), repository.slice(ofRepository + 1))) return false;
  if (ofPattern < 0) return true;
  return (
    ofRepository >= 0 && matchesRepository(pattern.slice(0, ofPattern), repository.slice(0, ofRepository))
  );
}

/** A container name's longest (DNS label). */
const MAX_NAME = 63;
/** A repository's longest, with its registry (distribution: reference.NameTotalLengthMax). */
const MAX_REPOSITORY = 255;

const NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
/** One part of a repository's path (distribution/reference: path-component). */
const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
/** A registry: host name and port. */
const REGISTRY = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?(?::[0-9]{1,5})?$/;

/**
 * Why no container can have a name that matches.
 * @returns what a name pattern must be instead, with an example; undefined where it is one
 */
export function namePatternTrouble(pattern: string): string | undefined {
  const letters = pattern.replaceAll('*', '');
  const example = 'such as istio-proxy or csql-*';
  if (letters === '') return `a container name with a letter or digit beside *, ${example}`;
  if (letters.length > MAX_NAME) return `at most ${MAX_NAME} characters beside *, ${example}`;
  if (/[/:@]/.test(letters)) return `a container name, not an image, ${example}`;
  if (/[A-Z]/.test(letters)) return `a container name in lower case, ${example}`;
  // What * may stand for makes no difference, so one letter stands for it.
  if (!NAME.test(pattern.replaceAll('*', 'a')))
    return `a container name of lower-case letters, digits and -, and * for any characters, ${example}`;
  return undefined;
}

/**
 * Why no image can have a repository that ends so.
 * @returns what an image pattern must be instead, with an example; undefined where it is one
 */
export function imagePatternTrouble(pattern: string): string | undefined {
  const letters = pattern.replaceAll('*', '');
  const example = 'such as istio/proxyv2 or proxyv2-rhel*';
  if (!/[A-Za-z0-9]/.test(letters))
    return `the end of a repository with a letter or digit beside *, ${example}`;
  if (letters.length > MAX_REPOSITORY) return `at most ${MAX_REPOSITORY} characters beside *, ${example}`;
  if (pattern.includes('@')) return `a repository without digest, ${example}`;
  if (pattern.lastIndexOf(':') > pattern.lastIndexOf('/')) return `a repository without tag, ${example}`;
  if (/[A-Z]/.test(letters)) return `a repository in lower case, ${example}`;
  const parts = pattern.replaceAll('*', 'a').split('/');
  const isPart = (part: string, index: number) =>
    PART.test(part) || (index === 0 && parts.length > 1 && REGISTRY.test(part));
  if (!parts.every(isPart)) return `the end of a repository, cut at a /, ${example}`;
  return undefined;
}
