/** Parse a whole number of one to five decimal digits; undefined for anything else. Written without RegExp, as all of `shim/`. */
export function parseWhole(text: string): number | undefined {
  if (text.length === 0 || text.length > 5) return undefined;
  for (const char of text) if (char < '0' || char > '9') return undefined;
  return Number(text);
}
