/** Which of an image's platforms each machine takes. Pure. */
import type { Machine } from '../../shim/machine-words.ts';
import type { Platform } from './manifest.ts';

/**
 * The platforms that a machine can run, the best first, in containerd's order (github.com/containerd/platforms, compare.go): arm64
 * also runs 32-bit arm, and amd64 runs 386. An element is the architecture, with the variant where it matters.
 */
const CHOICES: Readonly<Record<Machine, readonly string[]>> = {
  amd64: ['amd64', 'amd64/v1', 'amd64/v2', 'amd64/v3', '386'],
  arm64: ['arm64/v8', 'arm64', 'arm64/v9', 'arm/v8', 'arm/v7', 'arm', 'arm/v6', 'arm/v5'],
};

/** @returns the best of these for the machine; undefined where it can run none */
export function choosePlatform<T extends { platform: Platform }>(
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
