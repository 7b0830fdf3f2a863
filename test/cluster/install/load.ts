/**
 * Pods that are created at a steady rate, as a Job's controller creates them: each is tried until the API server accepts it. They are
 * not scheduled, and each is deleted after it was checked, so one small node is enough for any number.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { type Answer, ask } from '../api-server.ts';
import { PATIENCE, until } from '../kubectl.ts';
import { sidecars, steps } from '../manifests.ts';
import { restrictedPod } from './confined.ts';

/** The time between two attempts for one pod, in milliseconds. A Job's controller waits longer, so this is harder on the webhook. */
const RETRY = 250;

const CREATED = z.object({
  spec: z.object({
    initContainers: z.array(z.object({ name: z.string() })).default([]),
    containers: z.array(z.object({ command: z.array(z.string()).default([]) })),
  }),
});
const REFUSED = z.object({ message: z.string() });

/** The results of the pods. */
export interface Outcome {
  /** Pods that were to be created. */
  asked: number;
  /** Accepted pods with Curfew's shim in each container. */
  injected: number;
  /** Accepted pods without Curfew. */
  uninjected: number;
  /** The answer to each refused attempt. The attempt was repeated. */
  refusals: string[];
}

/** A load that goes on until it is stopped. */
export class Load {
  readonly outcome: Outcome = { asked: 0, injected: 0, uninjected: 0, refusals: [] };
  private readonly timer: NodeJS.Timeout;
  private readonly pending = new Set<Promise<void>>();
  private readonly namespace: string;
  private failure: unknown;

  constructor(namespace: string, perSecond: number) {
    this.namespace = namespace;
    this.timer = setInterval(() => {
      const created = this.create(`load-${this.outcome.asked++}`)
        .catch((error: unknown) => {
          this.failure = error;
        })
        .finally(() => this.pending.delete(created));
      this.pending.add(created);
    }, 1000 / perSecond);
  }

  /** Wait until this many more pods have been taken. */
  async more(pods: number): Promise<void> {
    const { outcome } = this;
    const enough = outcome.injected + outcome.uninjected + pods;
    await until(`${pods} more pods`, () => {
      if (this.failure !== undefined) throw this.failure;
      return outcome.injected + outcome.uninjected >= enough ? true : undefined;
    });
  }

  /**
   * Create no new pods, and wait for those under way.
   * @throws where one was refused for too long, or the API server gave no answer
   */
  async stop(): Promise<Outcome> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
    if (this.failure !== undefined) throw this.failure;
    return this.outcome;
  }

  private async create(name: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    const pods = `/api/v1/namespaces/${this.namespace}/pods`;
    for (;;) {
      const answer = await ask('POST', pods, pod(name));
      if (answer.status === 201) {
        if (isInjected(answer)) this.outcome.injected++;
        else this.outcome.uninjected++;
        await ask('DELETE', `${pods}/${name}`, { gracePeriodSeconds: 0 });
        return;
      }
      const { message } = REFUSED.parse(answer.body);
      this.outcome.refusals.push(message);
      if (Date.now() > deadline) throw new Error(`pod ${name} is still refused: ${message}`);
      await delay(RETRY);
    }
  }
}

function pod(name: string): V1Pod {
  const containers = [steps('main', 'exit 0'), steps('proxy', 'tick exit 143')];
  return restrictedPod(name, containers, {
    annotations: sidecars('proxy'),
    spec: { schedulerName: 'nobody' },
  });
}

function isInjected(answer: Answer): boolean {
  const { initContainers, containers } = CREATED.parse(answer.body).spec;
  return (
    initContainers[0]?.name === 'curfew-install' &&
    containers.every(({ command }) => command[0] === '/curfew/bin/curfew-shim')
  );
}
