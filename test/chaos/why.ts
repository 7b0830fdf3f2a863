/**
 * What the story knows of who holds the pod, beside what `curfew why` says of it (rule S1). The pod is shown to it as a kubelet would, and
 * the real shim tells the rest.
 */
import { spawn } from 'node:child_process';
import { SHIM_PATH } from '../../shim/protocol.ts';
import type { Finding } from '../../webhook/cluster/finding.ts';
import { podFacts } from '../../webhook/cluster/pod-facts.ts';
import { parseShimReport, type ShimReport } from '../../webhook/cluster/shim-report.ts';
import { why } from '../../webhook/cluster/why.ts';
import { defaultPolicy } from '../../webhook/decision/policy.ts';
import type { JsonRecord } from '../../webhook/shared/json.ts';
import { containersOf, type MainPlan, type Plan, type SidecarPlan } from './plan.ts';
import type { Sandbox } from './sandbox.ts';
import { type Attempt, comesBack, type Story } from './story.ts';

/** How long the story must have known the same: a readiness condition is tried once a second, and a report of why is a second old. */
const SURE_AFTER = 1_500;
const ASK_EVERY = 500;

/** Rendezvous in which every shim can say what it does. */
const SPEAKING: ReadonlySet<Plan['rendezvous']> = new Set(['plain', 'tmpfs', 'used-up', 'deaf']);

/** Whether a plan leaves the shims able to say what they do until its end. */
export function canBeAsked(plan: Plan): boolean {
  const speaks =
    SPEAKING.has(plan.rendezvous) && !plan.leftovers && containersOf(plan).every(({ readOnly }) => !readOnly);
  return (
    speaks &&
    plan.happenings.every(
      ({ deed: { kind } }) => kind !== 'fill' && kind !== 'read-only' && kind !== 'reboot',
    )
  );
}

/** The container that the pod waits for, as what is seen from outside tells; undefined where it waits for nobody, or nothing is sure. */
export function knownHolder(plan: Plan, story: Story): string | undefined {
  if (story.deleted !== undefined) return undefined;
  const isUp = (attempt: Attempt | undefined) => attempt !== undefined && attempt.exit === undefined;
  const slow = plan.sidecars.find((sidecar) => !isStarted(sidecar, story));
  // One that was stopped alone, or is gone, is on its way somewhere else.
  const calm = story.attempts.every(
    ({ term, kills, killed }) => term === undefined && kills.length === 0 && killed === undefined,
  );
  if (!calm) return undefined;
  const waits = plan.mains.some(
    ({ name }) => isUp(story.last(name)) && story.last(name)?.instances.length === 0,
  );
  if (waits) return slow?.name;
  if (slow !== undefined || !plan.sidecars.every(({ name }) => isUp(story.last(name)))) return undefined;
  const absent = plan.mains.filter(({ name }) => story.last(name) === undefined);
  const others = plan.mains.filter(({ name }) => story.last(name) !== undefined);
  const done = others.length > 0 && others.every(({ name }) => hasEndedForGood(plan, story.last(name)));
  return done && absent.length === 1 ? absent[0]?.name : undefined;
}

function isStarted({ name, ready }: SidecarPlan, story: Story): boolean {
  const attempt = story.last(name);
  if (attempt === undefined || attempt.exit !== undefined) return false;
  return attempt.instances.some((instance) => ready === 'none' || instance.ready !== undefined);
}

function hasEndedForGood(plan: Plan, attempt: Attempt | undefined): boolean {
  return attempt?.code !== undefined && !comesBack(plan.policy, attempt);
}

/** Watches a pod that is played. */
export class WhyWatch {
  /** How often it was asked and right. */
  agreed = 0;
  private readonly plan: Plan;
  private readonly sandbox: Sandbox;
  private readonly story: Story;
  private known: { holder: string; since: number } | undefined;
  private asking = false;
  private askedAt = 0;
  /** What was wrong, the first. */
  wrong: string | undefined;

  constructor(plan: Plan, sandbox: Sandbox, story: Story) {
    this.plan = plan;
    this.sandbox = sandbox;
    this.story = story;
  }

  /** Called at every look at the pod: asks where the story has been sure for a while. */
  look(): void {
    if (!canBeAsked(this.plan)) return;
    const holder = knownHolder(this.plan, this.story);
    const now = performance.now();
    if (holder === undefined) this.known = undefined;
    else if (this.known?.holder !== holder) this.known = { holder, since: now };
    if (this.known === undefined || this.asking || this.wrong !== undefined) return;
    if (now - this.known.since < SURE_AFTER || now - this.askedAt < ASK_EVERY) return;
    this.asking = true;
    this.askedAt = now;
    void this.ask(this.known).finally(() => {
      this.asking = false;
    });
  }

  private async ask(asked: { holder: string }): Promise<void> {
    const pod = podOf(this.plan, this.story);
    const text = await statusOf(this.sandbox);
    this.story.read();
    // Whatever happened meanwhile, the answer may be about it.
    if (this.known !== asked || knownHolder(this.plan, this.story) !== asked.holder) return;
    const shim = text === undefined ? undefined : parseShimReport(text);
    const finding = shim === undefined ? undefined : whyOf(pod, shim);
    if (finding?.holder === asked.holder && finding.state === 'held') this.agreed++;
    else
      this.wrong = `the story says that the pod waits for ${asked.holder}, and why says ${JSON.stringify(finding ?? text ?? 'nothing')} of ${text}`;
  }
}

function whyOf(pod: JsonRecord, shim: ShimReport): Finding {
  return why({
    ...{ pod: podFacts(pod), now: Date.now(), label: { kind: 'unknown' }, troubles: [], shim },
    ...{ unheard: undefined, logs: new Map(), policy: defaultPolicy() },
  });
}

/** The pod as an API server would show it. */
function podOf(plan: Plan, story: Story): JsonRecord {
  const all: (MainPlan | SidecarPlan)[] = [...plan.sidecars, ...plan.mains];
  return {
    metadata: { name: 'played', namespace: 'chaos', uid: 'played' },
    spec: {
      restartPolicy: plan.policy,
      containers: all.map((container) => ({
        name: container.name,
        image: 'worker',
        command: [SHIM_PATH, 'work' in container ? 'main' : 'sidecar', `--name=${container.name}`, '--'],
      })),
    },
    status: {
      phase: 'Running',
      containerStatuses: all.map(({ name }) => ({
        name,
        restartCount: story.of(name).length,
        state: stateOf(story, story.last(name)),
      })),
    },
  };
}

function stateOf(story: Story, attempt: Attempt | undefined): JsonRecord {
  if (attempt === undefined) return { waiting: { reason: 'ContainerCreating' } };
  const at = (place: number) => new Date(story.timeOf(place)).toISOString();
  if (attempt.exit === undefined) return { running: { startedAt: at(attempt.start) } };
  return { terminated: { exitCode: attempt.code ?? 137, finishedAt: at(attempt.exit) } };
}

/** The shim's own report; undefined where it gives none. */
function statusOf(sandbox: Sandbox): Promise<string | undefined> {
  const [file = '', ...args] = sandbox.statusWords();
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve(code === 0 ? text : undefined));
  });
}
