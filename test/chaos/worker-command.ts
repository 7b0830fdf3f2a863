/** What a container runs: `worker.c`, told by its plan, and how its shim sees that it is ready. */
import type { Readiness } from '../../shim/protocol.ts';
import type { MainPlan, SidecarPlan } from './plan.ts';
import { type Sandbox, WORKER } from './sandbox.ts';

const FIRST_PORT = 20_000;

interface Planned {
  plan: MainPlan | SidecarPlan;
  /** Its place among the pod's containers. */
  index: number;
}

/** @param subject how the log calls this start */
export function commandOf(
  { plan, index, starts }: Planned & { starts: number },
  subject: string,
  { pod, data }: Sandbox,
): string[] {
  const words = [`term=${plan.term}`, `flush=${plan.flush}`];
  if (plan.stubborn) words.push('stubborn=1');
  if (plan.helper) words.push('helper=1');
  if ('work' in plan) words.push(`work=${plan.work}`, `code=${plan.codes[starts - 1] ?? 0}`);
  else {
    words.push(`ready=${plan.ready}`, `name=${plan.name}`, `port=${FIRST_PORT + index}`, `data=${data}/`);
    words.push(`delay=${plan.delay < 0 ? 1_000_000 : plan.delay}`);
    if (plan.crash !== undefined)
      words.push(
        `crash=${plan.crash.after}`,
        `crashcode=${plan.crash.code}`,
        `crashed=${data}/${plan.name}.crashed`,
      );
  }
  return [WORKER, 'live', pod.log, subject, ...words];
}

export function readinessOf({ plan, index }: Planned): Readiness {
  if (!('ready' in plan)) return { kind: 'none' };
  const port = FIRST_PORT + index;
  switch (plan.ready) {
    case 'none':
      return { kind: 'none' };
    case 'exec':
      return { kind: 'exec', command: [WORKER, 'ask', plan.name] };
    case 'tcp':
      return { kind: 'tcp', port };
    case 'http':
      return { kind: 'http', port, path: '/', headers: [] };
  }
}
