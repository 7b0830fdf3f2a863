/** What a registry says when it wants to know who asks: `WWW-Authenticate` (RFC 9110, 11.6.1). */

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string;
  parameters: ReadonlyMap<string, string>;
}

/** A registry's is a few hundred bytes. */
const MAX_HEADER = 8 * 1024;

/** `name=token` or `name="quoted"`, or a scheme alone; after either, a comma may follow. */
const ITEM = /[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w/:?=-]*)))?/y;

/**
 * Read the header's challenges, as far as they can be read.
 * @example parseChallenges('Bearer realm="https://auth.example/token",service="r"')
 */
export function parseChallenges(header: string | undefined): Challenge[] {
  if (header === undefined || header.length > MAX_HEADER) return [];
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  ITEM.lastIndex = 0;
  for (;;) {
    const match = ITEM.exec(header);
    if (match === null) return challenges;
    const [, name = '', quoted, token] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? token;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else challenges.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
}
