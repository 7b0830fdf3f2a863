/** The version in README.md's commands, part of `npm run generate`. */

/** An image or a file of a release by its version, as in `curfew-shim:1.2.3`, `curfew-cli-1.2.3-rc.1.tar.gz`. */
const VERSIONED = /\b(curfew(?:-shim|-cli)?[:@-]v?)\d+\.\d+\.\d+(?:-[0-9A-Za-z]+(?:\.\d+)*)?/g;

/** A text with a version where it names an image or a file of a release. */
export function withVersion(text: string, version: string): string {
  return text.replaceAll(VERSIONED, (_, name: string) => `${name}${version}`);
}
