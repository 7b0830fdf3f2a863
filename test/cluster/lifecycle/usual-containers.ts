/** Containers that many pods of these tests have, and what init containers say in their turn. */
import type { V1Container } from '@kubernetes/client-node';
import { steps } from '../manifests.ts';
import { fileProbe, scratch } from './scratch.ts';

/** A sidecar that never ends by itself; when it is told to, with a code that would fail the pod. */
export const proxy = (): V1Container => steps('proxy', 'say up wait exit 143');

/** Init containers that end well, one after the other. */
export const threeInits = (): V1Container[] =>
  ['init-1', 'init-2', 'init-3'].map((name) => steps(name, 'say up sleep 0.2 say gone exit 0'));

/** Nothing of one begins before the one before is gone. */
export const INITS_IN_TURN = [
  'init-1: up',
  'init-1: gone',
  'init-2: up',
  'init-2: gone',
  'init-3: up',
  'init-3: gone',
] as const;

/**
 * A sidecar that the next one and the mains wait for: its startup probe holds when its file is there.
 * @param before steps from its start until then
 * @param after steps from then to its end
 */
export function awaited(name: string, before: string, after: string): V1Container {
  const file = `/scratch/${name}`;
  return scratch(name, `${before} touch ${file} ${after}`, { startupProbe: fileProbe(file) });
}
