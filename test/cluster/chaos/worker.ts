/** A pod that is taken away from its work, seen from outside. */
import assert from 'node:assert/strict';
import type { V1Container } from '@kubernetes/client-node';
import { type Line, linesOf, type Namespace, type Pod } from '../cluster.ts';
import { assertGone, assertOrder } from './ending.ts';
import type { Store } from './store.ts';

/** A main that works until the store holds `go`, unless it is told to end before, and its sidecar. */
export function mainAndSidecar(store: Store): V1Container[] {
  return [
    store.steps('main', 'say working until /store/go say done exit 0'),
    store.keeper('proxy', {}, 'listen 7001'),
  ];
}

/** A pod of {@link mainAndSidecar} at work, and its containers' output until they end: the pod may be gone then. */
export class Worker {
  private readonly pod: Pod;
  private readonly store: Store;
  private readonly output: Map<string, Promise<string>>;

  private constructor(ns: Namespace, pod: Pod, store: Store) {
    this.pod = pod;
    this.store = store;
    this.output = new Map(['main', 'proxy'].map((name) => [name, ns.follow(pod.metadata.name, name)]));
  }

  get uid(): string {
    return this.pod.metadata.uid;
  }

  static async of(ns: Namespace, name: string, store: Store): Promise<Worker> {
    await ns.said(name, 'main', 'working');
    return new Worker(ns, await ns.pod(name), store);
  }

  /** Nothing of it is left, however it was ended. */
  assertGone(): Promise<void> {
    return assertGone(this.pod);
  }

  /** The main was told to end and did; then the sidecar was, and has flushed; nothing of the pod is left. */
  async assertTakenAway(): Promise<void> {
    const lines = new Map<string, Line[]>();
    for (const [name, output] of this.output) lines.set(name, linesOf(await output));
    const said = (name: string) => lines.get(name)?.map(({ text }) => text);
    assert.deepEqual(said('main'), ['working', 'got TERM', 'leaves']);
    assert.deepEqual(said('proxy'), ['up', 'listening', 'got TERM', 'flushed']);
    assertOrder(lines, { mains: ['main'], sidecars: ['proxy'] });
    assert.equal(this.store.of('proxy'), 'whole');
    await this.assertGone();
  }
}
