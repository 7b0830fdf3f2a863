/** Pods of one main (`work`) and one or two sidecars, for the tests of the lifecycle's state machines. */
import assert from 'node:assert/strict';
import type { Marker } from '../../shim/marker.ts';
import type { ContainerOptions, RestartPolicy } from '../../shim/protocol.ts';
import { FakePod } from './fake-pod.ts';

/** A main that something may stop alone. */
export const PROBED = { options: { work: { probed: true } } };
/** A readiness condition that holds when the test says so. */
export const TCP: Partial<ContainerOptions> = { ready: { kind: 'tcp', port: 5432 } };

export function job(
  restartPolicy: RestartPolicy,
  more: Partial<ConstructorParameters<typeof FakePod>[0]> = {},
): FakePod {
  return new FakePod({ mains: ['work'], sidecars: ['proxy'], restartPolicy, ...more });
}

export function two(
  restartPolicy: RestartPolicy,
  more: Partial<ConstructorParameters<typeof FakePod>[0]> = {},
): FakePod {
  return job(restartPolicy, { sidecars: ['first', 'second'], ...more });
}

export function marker(pod: FakePod, name: string): Marker {
  const found = pod.get(name).marker;
  assert.ok(found, `${name} has announced something`);
  return found;
}

/** What happened, without the starts. */
export function ends(pod: FakePod): string[] {
  return pod.log.filter((line) => !line.endsWith('started'));
}
