/** A heading's anchor, as GitHub makes it, so that a link leads to the same place there and in the site. */

/** Small letters, blanks to hyphens, nothing else but letters, digits, hyphens and underscores. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}
