/** On which machines a pod can land, and which of an image's platforms each of them takes. Pure. */
import { MACHINES, type Machine } from '../../shim/machine-words.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
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

const LABELS = ['kubernetes.io/arch', 'beta.kubernetes.io/arch'];

/**
 * The machines that a pod's nodeSelector and required node affinity leave. What cannot be read leaves all: the API server
 * judges it.
 * @param spec the pod's
 */
export function machinesOf(spec: JsonRecord, machines: readonly Machine[] = MACHINES): Machine[] {
  const selector = member(spec, 'nodeSelector');
  const wanted = LABELS.flatMap((label) => (isRecord(selector) ? (member(selector, label) ?? []) : []));
  const terms = termsOf(spec);
  return machines.filter(
    (machine) =>
      wanted.every((value) => value === machine) &&
      (terms === undefined ||
        terms.some((term) => expressionsOf(term).every((item) => allows(item, machine)))),
  );
}

/** The terms of which one must hold. */
function termsOf(spec: JsonRecord): readonly unknown[] | undefined {
  let at: unknown = spec;
  for (const key of [
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  ])
    at = isRecord(at) ? member(at, key) : undefined;
  return Array.isArray(at) && at.length > 0 ? at : undefined;
}

function expressionsOf(term: unknown): readonly unknown[] {
  const expressions = isRecord(term) ? member(term, 'matchExpressions') : undefined;
  return Array.isArray(expressions) ? expressions : [];
}

function allows(expression: unknown, machine: Machine): boolean {
  if (!isRecord(expression)) return true;
  const key = member(expression, 'key');
  if (typeof key !== 'string' || !LABELS.includes(key)) return true;
  const values = member(expression, 'values');
  const named = Array.isArray(values) && values.includes(machine);
  switch (member(expression, 'operator')) {
    case 'In':
      return named;
    case 'NotIn':
      return !named;
    case 'DoesNotExist':
      return false;
    default:
      return true;
  }
}
