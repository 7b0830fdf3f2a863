/** A pod that is removed while it works, seen from outside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { V1Container } from '@kubernetes/client-node';
import { type Line, linesOf, type Namespace, type Pod } from '../cluster.ts';
import { until } from '../kubectl.ts';
import { assertGone, assertOrder } from './ending.ts';
import type { Store } from './store.ts';

/** A main that works until the store holds `go`, unless it is told to end before, and its sidecar. */
export function mainAndSidecar(store: Store): V1Container[] {
  return [
    store.steps('main', 'say working until /store/go say done exit 0'),
    store.keeper('proxy', {}, 'listen 7001'),
  ];
}

/** A container's output, read while it is written, because the pod may be gone afterwards. */
class Output {
  text = '';
  readonly end: Promise<unknown>;

  constructor(ns: Namespace, pod: string, container: string) {
    const args = ['-n', ns.name, 'logs', pod, '-c', container, '--follow'];
    const kubectl = spawn(process.env.KUBECTL ?? 'kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    kubectl.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
    this.end = once(kubectl, 'close');
  }
}

/** A pod of {@link mainAndSidecar} at work. */
export class Worker {
  private readonly pod: Pod;
  private readonly store: Store;
  private readonly output: Map<string, Output>;

  private constructor(pod: Pod, store: Store, output: Map<string, Output>) {
    this.pod = pod;
    this.store = store;
    this.output = output;
  }

  get uid(): string {
    return this.pod.metadata.uid;
  }

  /** Wait until both containers work and their output is read. */
  static async of(ns: Namespace, name: string, store: Store): Promise<Worker> {
    await ns.said(name, 'main', 'working');
    const output = new Map(
      ['main', 'proxy'].map((container) => [container, new Output(ns, name, container)]),
    );
    for (const [container, heard] of output) {
      await until(`the output of ${container}`, () => heard.text !== '' || undefined);
    }
    return new Worker(await ns.pod(name), store, output);
  }

  /** Nothing of the pod is left on the node. */
  assertGone(): Promise<void> {
    return assertGone(this.pod);
  }

  /** The main was told to end and ended, then the sidecar was told to end and has flushed, and nothing of the pod is left. */
  async assertTakenAway(): Promise<void> {
    const lines = new Map<string, Line[]>();
    for (const [name, output] of this.output) {
      await output.end;
      lines.set(name, linesOf(output.text));
    }
    const said = (name: string) => lines.get(name)?.map(({ text }) => text);
    assert.deepEqual(said('main'), ['working', 'got TERM', 'leaves']);
    assert.deepEqual(said('proxy'), ['up', 'listening', 'got TERM', 'flushed']);
    assertOrder(lines, { mains: ['main'], sidecars: ['proxy'] });
    assert.equal(this.store.of('proxy'), 'whole');
    await this.assertGone();
  }
}
