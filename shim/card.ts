/**
 * What a container's shim tells of itself beside its marker, for people (`curfew-shim status`): no shim decides anything by it. It stands in
 * the same file, behind the marker, and goes out with it in one write.
 */

export interface Card {
  role: 'main' | 'sidecar';
  /** All mains of the pod, and all its sidecars in start order; empty where they are too long for a card. */
  mains: readonly string[];
  sidecars: readonly string[];
  /** How often its process was started again in this start of the container. */
  restarts: number;
  /** What its last process ended with, or 126 or 127 where it could not be started; none while its first one runs. */
  code?: number;
}

/** A marker and a card are half a block of a usual file system, so that the card needs no space of its own. */
export const CARD_SIZE = 1_536;

const MAGIC = 'card1 ';

/** The card's text, one line of at most {@link CARD_SIZE} characters: magic, JSON. What an older one left behind it counts for nothing. */
export function formatCard(card: Card): string {
  const most = CARD_SIZE - MAGIC.length - 1;
  const whole = JSON.stringify(card);
  const json = whole.length <= most ? whole : JSON.stringify({ ...card, mains: [], sidecars: [] });
  return `${MAGIC}${json}\n`;
}

/** Parse a card's text, which anybody may have written; undefined for anything else. */
export function parseCard(text: string): Card | undefined {
  if (!text.startsWith(MAGIC)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.slice(MAGIC.length).split('\n')[0] ?? '');
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields: Record<string, unknown> = { ...value };
  const { role, mains, sidecars, restarts, code } = fields;
  if (role !== 'main' && role !== 'sidecar') return undefined;
  return {
    role,
    mains: namesIn(mains),
    sidecars: namesIn(sidecars),
    restarts: isWithin(restarts, 1_000_000_000) ? restarts : 0,
    ...(isWithin(code, 255) ? { code } : {}),
  };
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(isName) : [];
}

function isWithin(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

/** Whether this can be a container's name (a DNS label, as Kubernetes demands). */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 63) return false;
  for (const char of value)
    if (!((char >= 'a' && char <= 'z') || (char >= '0' && char <= '9') || char === '-')) return false;
  return true;
}
