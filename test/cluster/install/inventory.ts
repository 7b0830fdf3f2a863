/** All objects of a cluster, to find those that an installation leaves behind. */
import { mustKubectl, PATIENCE } from '../kubectl.ts';

/** Kinds whose objects Kubernetes itself creates and deletes. */
const PASSING = /^(events|events\.events\.k8s\.io|leases\.coordination\.k8s\.io)$/;

/** Every object that can be listed: `KIND NAMESPACE/NAME`. */
export async function inventory(): Promise<Set<string>> {
  const kinds = (await mustKubectl(['api-resources', '--verbs=list', '-o', 'name']))
    .split('\n')
    .filter((kind) => kind !== '' && !PASSING.test(kind));
  const columns = 'custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name';
  const table = await mustKubectl(['get', kinds.join(','), '-A', '--no-headers', '-o', columns]);
  const rows = table.split('\n').filter((row) => row.trim() !== '');
  return new Set(
    rows.map((row) => {
      const [kind = '', namespace = '', name = ''] = row.trim().split(/\s+/);
      return `${kind} ${namespace}/${name}`;
    }),
  );
}

/**
 * Wait until no object that `isOurs` selects is left, except those that were there before.
 * @throws with the objects that are left
 */
export async function untilGone(before: Set<string>, isOurs: (object: string) => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const left = [...(await inventory())].filter((object) => !before.has(object) && isOurs(object));
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`still there: ${left.join(', ')}`);
  }
}
