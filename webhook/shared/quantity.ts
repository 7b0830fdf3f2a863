/**
 * Kubernetes quantities (`250m`, `1.5`, `64Mi`, `1e3`) as numbers that can be compared and added. A double is exact enough for the
 * CPU and memory of any machine. Amounts are formatted in whole units only.
 */

/** Divisors: a division makes `70m` exactly equal to `0.07`, and a multiplication by 0.001 does not. */
const DIVISORS: Readonly<Record<string, number>> = { n: 1e9, u: 1e6, m: 1e3 };

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY =
  /^([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,3}))?$/;

/** @returns undefined where the value is not a quantity */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = QUANTITY.exec(value);
  if (match === null) return undefined;
  const [, digits = '', suffix = '', exponent] = match;
  if (exponent !== undefined) return Number(`${digits}e${exponent}`);
  const divisor = DIVISORS[suffix];
  return divisor === undefined ? Number(digits) * (FACTORS[suffix] ?? 1) : Number(digits) / divisor;
}

/** An amount of CPU in whole millicores, rounded down. */
export function formatCpu(amount: number): string {
  return `${Math.floor(amount * 1_000 + 1e-6)}m`;
}

/** An amount of memory in whole bytes, rounded down, in the largest binary unit that is exact. */
export function formatMemory(amount: number): string {
  const bytes = Math.floor(amount);
  if (bytes > 0 && bytes % 2 ** 20 === 0) return `${bytes / 2 ** 20}Mi`;
  if (bytes > 0 && bytes % 2 ** 10 === 0) return `${bytes / 2 ** 10}Ki`;
  return `${bytes}`;
}
