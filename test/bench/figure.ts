/** The benchmark's figures, each beside its yardstick of the same run, and the table that shows them. */

/** The limit of a figure, in its own unit, or as a multiple of its yardstick. */
export interface Limit {
  of: 'value' | 'ratio';
  bound: 'at most' | 'at least';
  limit: number;
}

/** The result of a measurement. */
export interface Measured {
  name: string;
  value: number;
  unit: string;
  /** The same of the yardstick, in the same unit. */
  yardstick: number;
  /** The yardstick, in words. */
  beside: string;
  /** The limits; none where a figure is for information. */
  limits: Limit[];
  /** How the samples lay, for people. */
  spread?: string;
}

/** One figure as `--json` prints it. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  yardstick: number;
  /** value / yardstick; null where the yardstick is 0. */
  ratio: number | null;
  limit: string;
  ok: boolean;
}

/** @returns the figure that this measurement makes */
export function figureOf(measured: Measured): Figure {
  const { name, unit, limits } = measured;
  const value = round(measured.value);
  const yardstick = round(measured.yardstick);
  const ratio = measured.yardstick === 0 ? null : round(measured.value / measured.yardstick);
  const ok = limits.every(({ of, bound, limit }) => {
    const reached = of === 'value' ? value : ratio;
    return reached !== null && (bound === 'at most' ? reached <= limit : reached >= limit);
  });
  return { name, value, unit, yardstick, ratio, limit: limits.map(limitText(unit)).join(', '), ok };
}

function limitText(unit: string) {
  return ({ of, bound, limit }: Limit) =>
    of === 'value' ? `${bound} ${limit} ${unit}` : `${bound} ${limit} x the yardstick`;
}

/** The figures as a table for a terminal. */
export function formatTable(rows: readonly { measured: Measured; figure: Figure }[]): string {
  const lines = [['', 'measured', '', 'yardstick', 'ratio', 'must reach', '']];
  for (const { measured, figure } of rows) {
    lines.push([
      figure.name,
      `${figure.value} ${figure.unit}`,
      measured.spread ?? '',
      `${figure.yardstick} ${figure.unit} (${measured.beside})`,
      figure.ratio === null ? '-' : String(figure.ratio),
      figure.limit,
      figure.ok ? 'ok' : 'MISSED',
    ]);
  }
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The smallest sample that at least this share of all samples does not exceed (nearest rank). */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Quartiles and the largest, for people. */
export function spreadOf(samples: readonly number[]): string {
  const [low, high, most] = [0.25, 0.75, 1].map((share) => round(quantile(samples, share)));
  return `quartiles ${low}..${high}, max ${most}, n ${samples.length}`;
}

/** Three figures, as far as there are decimals to drop. */
function round(value: number): number {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return Number(value.toFixed(digits));
}
