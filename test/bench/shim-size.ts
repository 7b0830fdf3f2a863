/** How large the shim is, for both architectures. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';

const LIMITS = { amd64: 520, arm64: 580 } as const;

const kilobytes = (path: string) => statSync(path).size / 1000;

export const shimSize: Bench = {
  name: 'size',
  about: 'size of the shim, beside static tini',
  measure: async ({ root, tini }) =>
    (['amd64', 'arm64'] as const).map((arch) => ({
      name: `shim size, ${arch}`,
      value: kilobytes(join(root, 'dist', `curfew-shim-${arch}`)),
      unit: 'KB',
      yardstick: kilobytes(tini),
      beside: 'static tini',
      limits: [{ of: 'value', bound: 'at most', limit: LIMITS[arch] }],
    })),
};
