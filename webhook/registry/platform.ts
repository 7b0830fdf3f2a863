/** Which of an image's platforms each machine takes. Pure. */
import type { Machine } from '../../shim/machine-words.ts';
import type { Platform } from './manifest.ts';

/**
 * What a machine runs, the best first, as containerd chooses (github.com/containerd/platforms, compare.go): an arm64 takes
 * 32-bit arm where there is nothing better, an amd64 takes 386. Elements: architecture, then variant where it matters.
 */
const CHOICES: Readonly<Record<Machine, readonly string[]>> = {
  amd64: ['amd64', 'amd64/v1', 'amd64/v2', 'amd64/v3', '386'],
  arm64: ['arm64/v8', 'arm64', 'arm64/v9', 'arm/v8', 'arm/v7', 'arm', 'arm/v6', 'arm/v5'],
};

/** @returns the one of these that the machine takes; undefined where it takes none */
export function choose<T extends { platform: Platform }>(
  machine: Machine,
  offered: readonly T[],
): T | undefined {
  const linux = offered.filter(({ platform }) => platform.os === 'linux');
  for (const choice of CHOICES[machine]) {
    const found = linux.find(({ platform: { architecture, variant } }) => {
      return choice === (variant === '' ? architecture : `${architecture}/${variant}`);
    });
    if (found !== undefined) return found;
  }
  return undefined;
}
