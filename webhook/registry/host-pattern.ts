/** Host patterns such as `*.corp.example:5000`, matched as the kubelet matches them (pkg/credentialprovider/keyring.go). Pure. */

/** Whether a host matches a pattern. A star stands for one label, or for a part of one. */
export function matchesHost(pattern: string, host: string): boolean {
  // The brackets of an IPv6 address are not a character class.
  if (pattern === host) return true;
  const [patternName, patternPort] = splitPort(pattern);
  const [name, port] = splitPort(host);
  const patterns = patternName.split('.');
  const labels = name.split('.');
  return (
    patternPort === port &&
    patterns.length === labels.length &&
    patterns.every((pattern, index) => matchesLabel(pattern, labels[index] ?? ''))
  );
}

function splitPort(host: string): [name: string, port: string] {
  const colon = host.lastIndexOf(':');
  return colon < 0 || host.endsWith(']') ? [host, ''] : [host.slice(0, colon), host.slice(colon + 1)];
}

/**
 * Go's filepath.Match for one label of a host: `*`, `?` and `[a-z]`. It backtracks to the last star only, so no pattern takes
 * exponential time.
 */
export function matchesLabel(pattern: string, label: string): boolean {
  let [p, l, star, mark] = [0, 0, -1, 0];
  while (l < label.length) {
    const step = p < pattern.length && pattern[p] !== '*' ? matchCharacter(pattern, p, label[l] ?? '') : 0;
    if (pattern[p] === '*') {
      star = p++;
      mark = l;
    } else if (step > 0) {
      p += step;
      l++;
    } else if (star >= 0) {
      p = star + 1;
      l = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** @returns the length of the part of the pattern that matches this one character; 0 where none does */
function matchCharacter(pattern: string, at: number, char: string): number {
  if (pattern[at] === '?') return 1;
  if (pattern[at] !== '[') return pattern[at] === char ? 1 : 0;
  const end = pattern.indexOf(']', at + 2);
  if (end < 0) return 0;
  const negated = pattern[at + 1] === '^';
  let inside = false;
  for (let i = at + (negated ? 2 : 1); i < end; i++) {
    const from = pattern[i] ?? '';
    const range = pattern[i + 1] === '-' && i + 2 < end;
    const to = range ? (pattern[i + 2] ?? '') : from;
    if (range) i += 2;
    inside ||= char >= from && char <= to;
  }
  return inside !== negated ? end + 1 - at : 0;
}
