/** The times of events of pods, from their containers' output and from a watch of the API server. */
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { ask, watch } from '../api-server.ts';
import { type Line, linesOf } from '../cluster.ts';
import { kubectl, PATIENCE, until } from '../kubectl.ts';

const SEEN = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.object({ phase: z.string() }),
});

/** The pods of one namespace, watched. */
export class Stopwatch {
  private readonly namespace: string;
  private readonly seen = new Map<string, number>();
  private readonly waiting = new Set<() => void>();

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  private get pods(): string {
    return `/api/v1/namespaces/${this.namespace}/pods`;
  }

  /** Start the watch. No later event is missed. */
  watch(signal: AbortSignal): Promise<void> {
    return watch(this.pods, signal, (type, object) => {
      const at = Date.now();
      const { metadata, status } = SEEN.parse(object);
      const what = `${metadata.name} ${type === 'DELETED' ? 'deleted' : status.phase}`;
      if (!this.seen.has(what)) this.seen.set(what, at);
      for (const wake of this.waiting) wake();
    });
  }

  /**
   * Create a pod and wait until its main works.
   * @returns milliseconds from the request to the main's first instruction
   */
  async start(pod: V1Pod): Promise<number> {
    const name = pod.metadata?.name ?? '';
    const created = Date.now();
    const answer = await ask('POST', this.pods, pod);
    if (answer.status !== 201) throw new Error(`creating ${name}: ${JSON.stringify(answer.body)}`);
    await this.when(`${name} Running`);
    const working = await until(`${name} works`, async () =>
      (await this.lines(name, 'main')).find((line) => line.text === 'working'),
    );
    return working.at - created;
  }

  /** @returns when the watch reported that a pod has succeeded */
  succeeded(name: string): Promise<number> {
    return this.when(`${name} Succeeded`);
  }

  /** The output of a container. */
  async lines(name: string, container: string): Promise<Line[]> {
    return linesOf((await kubectl(['-n', this.namespace, 'logs', name, '-c', container])).stdout);
  }

  /** Delete a pod, and wait until it is gone, so that it does not slow down the next one. */
  async remove(name: string): Promise<void> {
    await ask('DELETE', `${this.pods}/${name}`, { gracePeriodSeconds: 0 });
    await this.when(`${name} deleted`);
  }

  private async when(what: string): Promise<number> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const at = this.seen.get(what);
      if (at !== undefined) return at;
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`not after ${PATIENCE / 1000} s: ${what}; seen: ${[...this.seen.keys()].join(', ')}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.waiting.add(wake);
      });
    }
  }
}
