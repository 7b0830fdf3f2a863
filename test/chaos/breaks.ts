/**
 * Bugs put in on purpose: what the chaos is worth is what it finds. Each is a change of a copy of the shim's sources, of which
 * a real shim is built; the chaos must find it, by one of these rules, in seeds whose plans give it a chance.
 */
import type { Break } from './break.ts';
import { WHY_BREAKS } from './breaks-why.ts';
import { type ContainerPlan, containersOf, type Deed, type Plan } from './plan.ts';

const does = (plan: Plan, test: (deed: Deed) => boolean) => plan.happenings.some(({ deed }) => test(deed));
const deleted = (plan: Plan) => does(plan, ({ kind }) => kind === 'delete');
const isHooked = ({ preStop = 0 }: ContainerPlan) => preStop > 500;
const calm = (plan: Plan) => !deleted(plan) && plan.policy !== 'Always' && plan.rendezvous === 'plain';

export const BREAKS: readonly Break[] = [
  {
    rules: ['L1', 'L2'],
    what: 'readiness.ts: an answer of 503 is success',
    file: 'readiness.ts',
    from: 'status >= 200 && status < 400',
    to: 'status >= 200 && status < 600',
    where: (plan) => plan.sidecars.some(({ ready, delay }) => ready === 'http' && delay > 200),
  },
  {
    rules: ['L2', 'L1'],
    what: 'lifecycle.ts: running counts as started',
    file: 'lifecycle.ts',
    from: "peer.marker?.phase === 'started'",
    to: "(peer.marker?.phase === 'started' || peer.marker?.phase === 'starting')",
    where: (plan) => plan.sidecars.some(({ delay }) => delay > 200),
  },
  {
    rules: ['L3', 'L12', 'L14'],
    what: 'main-lifecycle.ts: a waiting main keeps waiting after TERM',
    file: 'main-lifecycle.ts',
    from: "if (state.phase === 'waiting') return end(context, stopping, 128 + signal);",
    to: "if (state.phase === 'waiting') return settle(context, stopping, at, []);",
    where: (plan) => deleted(plan) && plan.sidecars.some(({ delay }) => delay < 0),
  },
  {
    rules: ['L14'],
    what: 'main-lifecycle.ts: a main that its probe stops while it waits starts all the same',
    file: 'main-lifecycle.ts',
    from: "if (state.phase === 'waiting') return end(context, stopping, 128 + signal);",
    to: "if (state.phase === 'waiting') return settle(context, stopping, at, []);",
    where: (plan) =>
      calm(plan) &&
      plan.happenings.some(
        ({ after, deed }) => deed.kind === 'stop' && deed.who.startsWith('m') && after.what === 'waiting',
      ),
  },
  {
    rules: ['L8'],
    what: 'main-lifecycle.ts: the start-timeout never runs out',
    file: 'main-lifecycle.ts',
    from: 'startTimeout === undefined ? undefined :',
    to: 'startTimeout !== undefined ? undefined :',
    where: (plan) =>
      calm(plan) && plan.startTimeout !== undefined && plan.sidecars.some(({ delay }) => delay < 0),
  },
  {
    rules: ['L5'],
    what: 'host.c: exit codes are cut to seven bits',
    file: 'host.c',
    from: 'JS_NewInt32(ctx, WEXITSTATUS(status))',
    to: 'JS_NewInt32(ctx, WEXITSTATUS(status) & 0x7f)',
    where: (plan) => plan.rendezvous === 'plain' && plan.mains.some(({ codes }) => (codes[0] ?? 0) === 255),
  },
  {
    rules: ['L5'],
    what: 'driver.ts: a death by a signal is an exit with 0',
    file: 'driver.ts',
    from: 'ended.signal === undefined ? (ended.code ?? 0) : 128 + ended.signal',
    to: 'ended.code ?? 0',
    where: (plan) =>
      does(plan, (deed) => deed.kind === 'kill' && deed.victim === 'child' && deed.who.startsWith('m')),
  },
  {
    rules: ['L6'],
    what: 'listener.ts: a main whose life line is free is down for good',
    file: 'listener.ts',
    from: '    // What it said last is true also where somebody removed it',
    to: '    if (marker !== undefined && !this.alive) marker = { ...marker, final: true };\n    // What it said last is true also where somebody removed it',
    where: (plan) =>
      calm(plan) && plan.policy === 'OnFailure' && plan.mains.some(({ codes }) => (codes[0] ?? 0) !== 0),
  },
  {
    rules: ['L6'],
    what: 'sidecar-leave.ts: sidecars leave all at once',
    file: 'sidecar-leave.ts',
    from: 'const followersDown = sidecars.slice(sidecars.indexOf(name) + 1).every(isDown);',
    to: 'const followersDown = sidecars.slice(sidecars.indexOf(name) + 1).every(isDown) || doneAt !== undefined;',
    where: (plan) => calm(plan) && plan.sidecars.length > 1,
  },
  {
    rules: ['L6'],
    what: 'driver.ts: sidecars are killed when they should be told to end',
    file: 'driver.ts',
    from: 'this.child.signal(action);',
    to: 'this.child.signal({ signal: action.signal === SIGTERM ? SIGKILL : action.signal });',
    where: calm,
  },
  {
    rules: ['L7'],
    what: "sidecar-leave.ts: a sidecar's own code gets out at the end of work",
    file: 'sidecar-leave.ts',
    from: "if (restartPolicy === 'Never' || isDone) return 0;",
    to: 'if (stop === undefined) return processCode ?? 0;',
    where: (plan) => calm(plan) && plan.sidecars.some(({ term }) => term !== 0),
  },
  {
    rules: ['L8'],
    what: 'lifecycle.ts: a main that dies without a word is waited for',
    file: 'lifecycle.ts',
    from: "marker.phase === 'ended' ? marker.final : marker.killedIsFinal",
    to: "marker.phase === 'ended' && marker.final",
    where: (plan) =>
      calm(plan) &&
      plan.policy === 'Never' &&
      does(plan, (deed) => deed.kind === 'kill' && deed.victim === 'shim' && deed.who.startsWith('m')),
  },
  {
    rules: ['L8'],
    what: 'listener.ts: a life line counts as held for ever',
    file: 'listener.ts',
    from: 'if (got === -EAGAIN) {',
    to: 'if (got === -EAGAIN || this.lived) {',
    where: calm,
  },
  {
    rules: ['L8'],
    what: 'change-watch.ts: where inotify is refused it does not look by itself (L16)',
    file: 'change-watch.ts',
    from: 'const LOOK_EVERY = 500;',
    to: 'const LOOK_EVERY = 3_600_000;',
    where: (plan) => plan.rendezvous === 'used-up' && !deleted(plan),
  },
  {
    rules: ['L8'],
    what: 'rendezvous.ts: a last word that no disk takes is not spoken (L17)',
    file: 'rendezvous.ts',
    from: "if (what.phase === 'ended') for (const life of this.lives) host.write(life, formatSpoken(what), -1);",
    to: '',
    where: (plan) =>
      calm(plan) &&
      plan.policy === 'OnFailure' &&
      plan.mains.length === 1 &&
      plan.happenings.some(
        ({ after, deed }) =>
          deed.kind === 'read-only' && deed.who === 'm0' && after.who === 'm0' && after.what === 'up',
      ),
  },
  {
    rules: ['L9'],
    what: 'sidecar-lifecycle.ts: a sidecar is started again without its back-off',
    file: 'sidecar-lifecycle.ts',
    from: 'state.retryAt = event.at + delay;',
    to: 'state.retryAt = event.at;',
    where: (plan) =>
      plan.sidecars.some(
        ({ name, crash }) =>
          crash !== undefined &&
          does(plan, (deed) => deed.kind === 'kill' && deed.who === name && deed.victim === 'child'),
      ),
  },
  {
    rules: ['L10'],
    what: 'sidecar-lifecycle.ts: a sidecar that comes after the end of work starts its process first',
    file: 'sidecar-lifecycle.ts',
    from: '  lookAtMains(context, state, at, actions);\n',
    to: "  if (state.phase === 'queued') start(context, state, at, actions);\n  lookAtMains(context, state, at, actions);\n",
    where: (plan) =>
      calm(plan) &&
      plan.policy === 'OnFailure' &&
      plan.happenings.some(
        ({ after, deed }) =>
          deed.kind === 'kill' &&
          deed.victim === 'shim' &&
          deed.who === 's0' &&
          after.who === 's0' &&
          after.what === 'got 15',
      ),
  },
  {
    rules: ['L11'],
    what: 'lifecycle.ts: a marker speaks on after its writer: a main starts',
    file: 'lifecycle.ts',
    from: 'return peer?.alive === true && peer.marker?.phase',
    to: 'return peer?.marker?.phase',
    where: (plan) => plan.leftovers && plan.rendezvous === 'plain',
  },
  {
    rules: ['L12'],
    what: 'stop-request.ts: a stop request is taken for a signal from inside',
    file: 'stop-request.ts',
    from: 'return this.isOutside(signal) && stops;',
    to: 'return !this.isOutside(signal) && stops;',
    where: (plan) => deleted(plan) && plan.mains.some(({ flush }) => flush > 60),
  },
  {
    rules: ['L12', 'L6'],
    what: "child.ts: TERM does not reach the container's process",
    file: 'child.ts',
    from: 'if (host.kill(this.pid, number) >= 0)',
    to: 'if (number === 15 || host.kill(this.pid, number) >= 0)',
    where: (plan) => deleted(plan) && plan.mains.every(({ work }) => work > 800),
  },
  {
    rules: ['L13', 'L12'],
    what: 'sidecar-leave.ts: a stop of one container is taken for the deletion',
    file: 'sidecar-leave.ts',
    from: '!mayBeAlone ||',
    to: 'mayBeAlone ||',
    where: "a sidecar's probe fails while a main works on",
  },
  {
    rules: ['L15', 'L12'],
    what: 'sidecar-leave.ts: a main that has no TERM yet, because its preStop hook runs, is not waited for',
    file: 'sidecar-leave.ts',
    from: 'const mainsDown = doneAt !== undefined || mains.every(isDown);',
    to: 'const mainsDown = doneAt !== undefined || mains.some((main) => isDown(main) || state.peers.get(main)?.marker?.stopping === false);',
    where: (plan) => deleted(plan) && plan.mains.some(({ preStop }) => preStop !== undefined),
  },
  {
    rules: ['L15'],
    what: "sidecar-mains.ts: mains that were stopped cut off a sidecar's own preStop hook",
    file: 'sidecar-mains.ts',
    from: 'if (at >= doubtUntil) {',
    to: 'if (at >= doubtUntil || state.endedByStop) {',
    where: (plan) => deleted(plan) && plan.rendezvous === 'plain' && plan.sidecars.some(isHooked),
  },
  {
    rules: ['L15'],
    what: "sidecar-mains.ts: where nothing else doubts a main's stop, a preStop hook does not either",
    file: 'sidecar-mains.ts',
    from: 'return known ? lagOf(grace) : grace + lagOf(grace);',
    to: 'return 0;',
    where: 'preStop hooks of sidecars, one of which never returns, in a deletion',
  },
  {
    rules: ['L6'],
    what: 'lifecycle.ts: a main that was stopped alone and exits 0 has ended for good',
    file: 'lifecycle.ts',
    from: "return marker.stopping && marker.stopDoubt > 0 ? 'stopped' : 'over';",
    to: "return 'over';",
    where: (plan) =>
      calm(plan) &&
      plan.policy === 'OnFailure' &&
      plan.mains.length === 1 &&
      plan.mains.every(({ term }) => term === 0) &&
      plan.happenings.some(
        ({ after, deed }) => deed.kind === 'stop' && deed.who === 'm0' && after.what === 'up',
      ),
  },
  {
    rules: ['L17'],
    what: 'driver.ts: who cannot announce itself runs all the same',
    file: 'driver.ts',
    from: "if (phase === 'ended' || (",
    to: "if (phase !== 'waiting' || (",
    where: (plan) => plan.mains.some(({ readOnly }) => readOnly),
  },
  {
    rules: ['P4'],
    what: 'host.c: a child does not die with its shim',
    file: 'host.c',
    from: 'prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);',
    to: '',
    where: (plan) => plan.hostPid && does(plan, (deed) => deed.kind === 'kill' && deed.victim === 'shim'),
  },
  {
    rules: ['P4'],
    what: 'process.ts: what a process left behind stays',
    file: 'process.ts',
    from: 'if (reapAll()) return;',
    to: 'if (reapAll() || leader > 0) return;',
    where: (plan) => plan.hostPid && containersOf(plan).some(({ helper }) => helper),
  },
  ...WHY_BREAKS,
];
