/** A plan for each seed. What cannot end by itself is deleted in the end, and what the shim cannot help is not drawn. */
import type { ContainerPlan, Deed, MainPlan, Moment, Plan, RendezvousKind, SidecarPlan } from './plan.ts';
import { Random } from './random.ts';

/** Far longer than anything here takes on a busy machine. */
const BOUND = 45_000;
/** Longer than any grace period: a hook that does not return. */
const ENDLESS = 60_000;

export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const policy = random.of('Never', 'Never', 'Never', 'OnFailure', 'OnFailure', 'OnFailure', 'Always');
  const rendezvous = rendezvousOf(random);
  const isolated = rendezvous === 'read-only' || rendezvous === 'missing';
  const sidecars = Array.from({ length: random.of(1, 2, 2, 3) }, (_, i) => sidecarOf(random, i));
  const mains = Array.from({ length: random.of(1, 1, 2, 3) }, (_, i) =>
    mainOf(random, i, policy === 'OnFailure'),
  );
  const plan: Plan = {
    title: `seed ${seed}`,
    policy,
    mains,
    sidecars,
    grace: random.of(4_000, 6_000, 8_000),
    rendezvous,
    hostPid: rendezvous !== 'used-up' && random.chance(20),
    leftovers: !isolated && random.chance(20),
    clocks: [],
    inOrder: rendezvous === 'deaf',
    happenings: [],
    bound: rendezvous === 'deaf' ? 4 * BOUND : BOUND,
  };
  if (!plan.hostPid && random.chance(25))
    plan.clocks = [...sidecars, ...mains].map(() => random.of(0, 3_600, 86_400, 10_000_000));
  if (random.chance(6)) plan.startTimeout = random.whole(300, 1_500);
  const neverReady = random.chance(5) ? random.from(sidecars) : undefined;
  if (neverReady !== undefined)
    Object.assign(neverReady, { ready: random.of('exec', 'tcp', 'http'), delay: -1 });
  if (!isolated) addTrouble(random, plan);
  finish(random, plan, neverReady !== undefined);
  return plan;
}

function rendezvousOf(random: Random): RendezvousKind {
  const percent = random.whole(0, 99);
  if (percent < 62) return 'plain';
  if (percent < 72) return 'tmpfs';
  if (percent < 78) return 'full-blocks';
  if (percent < 82) return 'full-inodes';
  if (percent < 86) return 'read-only';
  if (percent < 88) return 'missing';
  return percent < 95 ? 'used-up' : 'deaf';
}

function containerOf(random: Random, name: string): ContainerPlan {
  return {
    name,
    startAfter: random.whole(0, 600),
    term: random.of(0, 0, 0, 1, 7, 143, 255),
    flush: random.whole(10, 120),
    stubborn: false,
    helper: random.chance(30),
    probed: false,
    readOnly: false,
  };
}

function mainOf(random: Random, index: number, retried: boolean): MainPlan {
  const failures = retried ? random.whole(0, 2) : 1;
  const code = () => random.of(0, 0, 1, 2, 42, 125, 134, 137, 139, 143, 255);
  const main: MainPlan = {
    ...containerOf(random, `m${index}`),
    work: random.whole(0, 1_500),
    codes: Array.from({ length: failures }, code),
  };
  if (random.chance(8)) main.preStop = random.whole(200, 1_500);
  return main;
}

function sidecarOf(random: Random, index: number): SidecarPlan {
  const ready = random.of('none', 'exec', 'tcp', 'http');
  const sidecar: SidecarPlan = {
    ...containerOf(random, `s${index}`),
    ready,
    delay: ready === 'none' ? 0 : random.whole(0, 500),
  };
  if (random.chance(15)) sidecar.crash = { after: random.whole(0, 800), code: random.of(0, 1, 2, 139) };
  if (random.chance(8)) Object.assign(sidecar, { stubborn: true, stopTimeout: random.whole(200, 1_500) });
  if (random.chance(15)) sidecar.preStop = random.chance(75) ? random.whole(200, 3_000) : ENDLESS;
  return sidecar;
}

function addTrouble(random: Random, plan: Plan): void {
  const { mains, sidecars, rendezvous } = plan;
  const everybody = [...sidecars, ...mains].map(({ name }) => name);
  if (rendezvous === 'plain' && random.chance(5)) {
    // A main whose mount alone is unusable is heard by those who were there before it.
    const main = random.from(mains);
    if (main !== undefined) Object.assign(main, { readOnly: true, startAfter: 2_500 });
  }
  const deaf = rendezvous === 'deaf';
  const count = random.whole(2, 5);
  for (let i = 0; i < count; i++) {
    const who = random.from(deaf ? mains.map(({ name }) => name) : everybody) ?? 'm0';
    const deed = deedOf(random, plan, who);
    const after = momentOf(random, plan, who);
    plan.happenings.push({ after, delay: random.chance(40) ? 0 : random.whole(0, 500), deed });
  }
}

function deedOf(random: Random, plan: Plan, who: string): Deed {
  const has = (kind: Deed['kind']) => plan.happenings.some(({ deed }) => deed.kind === kind);
  const percent = random.whole(0, 99);
  const victim = random.of('shim', 'child', 'child', 'grandchild', 'container');
  const container = [...plan.sidecars, ...plan.mains].find(({ name }) => name === who);
  if (percent < 12 && !has('delete')) return { kind: 'delete' };
  if (percent < 24 && !has('stop') && !has('read-only') && container !== undefined) {
    container.probed = true;
    return { kind: 'stop', who };
  }
  if (percent < 32 && !has('reboot') && plan.policy !== 'Never' && plan.rendezvous === 'plain')
    return { kind: 'reboot', forgets: false };
  if (percent < 42 && !has('fill') && plan.rendezvous === 'tmpfs') return { kind: 'fill' };
  if (percent < 48 && !has('stop') && plan.rendezvous === 'plain') return { kind: 'read-only', who };
  if (percent < 62) return { kind: 'freeze', who, victim, ms: random.whole(100, 1_500) };
  return { kind: 'kill', who, victim };
}

function momentOf(random: Random, plan: Plan, target: string): Moment {
  // Mostly a moment of its own, else one of another's.
  const everybody = [...plan.sidecars, ...plan.mains].map(({ name }) => name);
  const who = random.chance(65) ? target : (random.from(everybody) ?? target);
  return who.startsWith('s')
    ? { who, what: random.of('start', 'up', 'up', 'ready', 'starting', 'started', 'got 15', 'ends') }
    : { who, what: random.of('start', 'waiting', 'running', 'up', 'up', 'ends', 'exit') };
}

/** What would never end is deleted, and who never obeys has a grace period that is long enough for the others. */
function finish(random: Random, plan: Plan, neverReady: boolean): void {
  const { policy, happenings, mains, sidecars } = plan;
  const deeds = happenings.map(({ deed }) => deed.kind);
  const unusable =
    plan.rendezvous === 'read-only' || plan.rendezvous === 'missing' || mains.some((main) => main.readOnly);
  const endless =
    policy === 'Always' ||
    (neverReady && (plan.startTimeout === undefined || policy !== 'Never')) ||
    ((unusable || plan.startTimeout !== undefined) && policy !== 'Never');
  if (endless && !deeds.includes('delete')) {
    const after: Moment = { who: sidecars[0]?.name ?? 's0', what: 'start' };
    happenings.push({ after, delay: random.whole(1_500, 4_000), deed: { kind: 'delete' } });
  }
  // A main that ends at that very moment is doubted for a minute (L11).
  if (deeds.includes('reboot')) plan.bound = 2 * BOUND;
  const deleted = happenings.some(({ deed }) => deed.kind === 'delete');
  if (deleted && random.chance(15)) Object.assign(random.from(mains) ?? {}, { stubborn: true });
  if ([...mains, ...sidecars].some(({ stubborn }) => stubborn)) plan.grace = 8_000;
  // Long, so that who is told at once and who is told in the reserve are told from each other on a busy machine.
  if (deeds.includes('stop')) plan.grace = 20_000;
}
