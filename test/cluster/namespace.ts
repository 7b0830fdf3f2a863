/** A namespace in which pods can be created. */
import { randomBytes } from 'node:crypto';
import { mustKubectl, timeout } from './kubectl.ts';

/** Make one, with four random digits behind its name. @returns its whole name */
export async function makeNamespace(name: string, labels: Record<string, string>): Promise<string> {
  const unique = `${name}-${randomBytes(2).toString('hex')}`;
  await createNamespace(unique, labels);
  return unique;
}

/** Make one of exactly this name. */
export async function createNamespace(name: string, labels: Record<string, string>): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  await mustKubectl(['create', '-f', '-'], JSON.stringify(object));
  // The API server refuses pods until it exists.
  await mustKubectl(['-n', name, 'wait', '--for=create', 'serviceaccount/default', timeout(60)]);
}
