/**
 * Durations as users write them (`20s`, `1m30s`, `500ms`, `2h`): Go's notation, which every Kubernetes user knows.
 * Written without RegExp and Date: the shim's engine is built without them.
 */

/** The longest duration that is accepted: a poll timeout of more would overflow the kernel's 32-bit milliseconds. */
export const MAX_DURATION_MS = 7 * 24 * 3_600_000;

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Parse a duration.
 * @returns whole milliseconds, 0 to {@link MAX_DURATION_MS}; undefined when the text is no such duration
 * @example parseDuration('1m30s') // 90000
 */
export function parseDuration(text: string): number | undefined {
  if (text.length === 0 || text.length > 32) return undefined;
  if (text === '0') return 0;
  let total = 0;
  let at = 0;
  while (at < text.length) {
    const from = at;
    while (at < text.length && isDigit(text.charAt(at))) at++;
    if (at === from) return undefined;
    const amount = Number(text.slice(from, at));
    const unitFrom = at;
    while (at < text.length && !isDigit(text.charAt(at))) at++;
    const unit = text.slice(unitFrom, at);
    const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (factor === undefined) return undefined;
    total += amount * factor;
  }
  return total <= MAX_DURATION_MS ? total : undefined;
}

/**
 * The shortest text that {@link parseDuration} reads back as the same number.
 * @example formatDuration(90000) // '1m30s'
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = ms;
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms']) {
    const factor = UNITS[unit] ?? 1;
    const amount = Math.floor(rest / factor);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * factor;
  }
  return text;
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9';
}
