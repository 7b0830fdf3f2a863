/**
 * Bugs put in on purpose, one or more for each rule: what the search is worth is what it finds. Each is a change of a
 * copy of the shim's sources; the search must find it, by that rule, in a pod as small as that one.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type Machines, machinesIn } from './machines.ts';

export interface Break {
  /** What the search must say. */
  rule: string;
  what: string;
  file: string;
  /** Stands there once. */
  from: string;
  to: string;
  /** The case that it is looked for in. */
  pod: string;
}

const MAIN = 'main-lifecycle.ts';
const SIDECAR = 'sidecar-lifecycle.ts';
const LEAVE = 'sidecar-leave.ts';
const MAINS = 'sidecar-mains.ts';

export const BREAKS: readonly Break[] = [
  {
    rule: 'L1',
    what: 'a sidecar starts out of its turn',
    file: SIDECAR,
    from: '.every((before) => isStarted(state.peers.get(before)))',
    to: '.every((before) => state.peers.has(before))',
    pod: '1+2 Never',
  },
  {
    rule: 'L2',
    what: 'a main starts before its last sidecar is started',
    file: MAIN,
    from: 'if (missing.length === 0) {',
    to: 'if (missing.length < sidecars.length || missing.length === 0) {',
    pod: '1+2 Never',
  },
  {
    rule: 'L2',
    what: 'running counts as started',
    file: 'lifecycle.ts',
    from: "peer.marker?.phase === 'started'",
    to: "(peer.marker?.phase === 'started' || peer.marker?.phase === 'starting')",
    pod: '1+1 Never',
  },
  {
    rule: 'L3',
    what: 'a waiting main keeps waiting after TERM',
    file: MAIN,
    from: "if (state.phase === 'waiting') return end(context, stopping, 128 + signal);",
    to: "if (state.phase === 'waiting') return settle(context, stopping, at, []);",
    pod: '1+1 Never',
  },
  {
    rule: 'L4',
    what: 'the start-timeout never runs out',
    file: MAIN,
    from: 'startTimeout === undefined ? undefined :',
    to: 'startTimeout !== undefined ? undefined :',
    pod: '1+1 Never never ready, start-timeout',
  },
  {
    rule: 'L5',
    what: 'every exit of a main is called final',
    file: MAIN,
    from: 'marker: lastWord(context, code, state.stopping) }',
    to: 'marker: { ...lastWord(context, code, state.stopping), final: true } }',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L5',
    what: "a main's code is lost: 0 for any that is no signal's",
    file: MAIN,
    from: 'return end(context, state, event.code);',
    to: 'return end(context, state, event.code < 128 ? 0 : event.code);',
    pod: '1+1 Never',
  },
  {
    rule: 'L6',
    what: 'the first main that ends is the end of work',
    file: MAINS,
    from: "if (end === 'not-over') over = false;",
    to: "if (end === 'not-over') over = over && state.peers.get(name)?.lived === true && context.options.mains.some((main) => state.peers.get(main)?.marker?.phase === 'ended');",
    pod: '2+1 Never',
  },
  {
    rule: 'L6',
    what: 'sidecars leave all at once',
    file: LEAVE,
    from: 'const followersDown = sidecars.slice(sidecars.indexOf(name) + 1).every(isDown);',
    to: 'const followersDown = sidecars.slice(sidecars.indexOf(name) + 1).every(isDown) || doneAt !== undefined;',
    pod: '1+2 Never',
  },
  {
    rule: 'L6',
    what: 'no KILL at the end of the grace period',
    file: LEAVE,
    from: 'if (state.killAt === undefined) return;',
    to: 'if (state.killAt === undefined || stop === undefined) return;',
    pod: '1+1 Never',
  },
  {
    rule: 'L7',
    what: "a sidecar's own code gets out at the end of work",
    file: LEAVE,
    from: "if (restartPolicy === 'Never' || isDone) return 0;",
    to: "if (restartPolicy === 'Never' || (isDone && stop !== undefined)) return 0;",
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L7',
    what: 'a sidecar that was stopped alone exits 0 under OnFailure',
    file: LEAVE,
    from: 'return processCode === undefined || processCode === 0 ? stopped : processCode;',
    to: 'return processCode ?? stopped;',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L8',
    what: 'a main that dies while it runs is not noticed',
    file: MAINS,
    from: 'const end = isOver(peer, context);',
    to: "const end = peer?.marker?.phase === 'running' && state.phase !== 'queued' ? 'not-over' : isOver(peer, context);",
    pod: '1+1 Never',
  },
  {
    rule: 'L9',
    what: 'a sidecar that ended is started again without its back-off',
    file: SIDECAR,
    from: 'state.retryAt = event.at + delay;',
    to: 'state.retryAt = event.at;',
    pod: '1+1 Never',
  },
  {
    rule: 'L9',
    what: 'a sidecar that ended with 0 is not started again',
    file: SIDECAR,
    from: 'state.retryAt = event.at + delay;',
    to: 'if (event.code !== 0) state.retryAt = event.at + delay;',
    pod: '1+1 Never',
  },
  {
    rule: 'L9',
    what: 'a sidecar is started again before the stop request that follows its preStop hook',
    file: SIDECAR,
    from: 'return preStop.includes(name) ? lagOf(grace) : 0;',
    to: 'return preStop.includes(name) && grace < 0 ? lagOf(grace) : 0;',
    pod: '1+1 Never a sidecar with preStop',
  },
  {
    rule: 'L9',
    what: 'a sidecar is started again in the deletion, while its preStop hook runs',
    file: SIDECAR,
    from: 'if (due && state.othersStopAt !== undefined) {',
    to: 'if (due && state.othersStopAt === Number.POSITIVE_INFINITY) {',
    pod: '1+1 Never a sidecar with preStop',
  },
  {
    rule: 'L9',
    what: 'a sidecar is left to a kubelet that starts it never again',
    file: 'sidecar-layer.ts',
    from: 'return !isFinal(restartPolicy, restartRules, code);',
    to: 'return restartPolicy === restartPolicy || !isFinal(restartPolicy, restartRules, code);',
    pod: '1+1 Never',
  },
  {
    rule: 'L9',
    what: 'a sidecar is left to the kubelet also when it ended with 0, and is not started again',
    file: 'sidecar-layer.ts',
    from: 'if (code === 0 || state.restarts === 0 || !soon) return false;',
    to: "if (code === 0) return restartPolicy !== 'Never' && state.restarts > 0;\n  if (state.restarts === 0 || !soon) return false;",
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L9',
    what: 'a sidecar is started again and again on what its last process left',
    file: 'sidecar-layer.ts',
    from: 'if (code === 0 || state.restarts === 0 || !soon) return false;',
    to: 'if (code === 0 || state.restarts >= 0 || !soon) return false;',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L9',
    what: 'a sidecar is left to the kubelet again and again, and the end of work hidden behind its back-off',
    file: 'sidecar-layer.ts',
    from: 'if (attempt > LAST_ATTEMPT && at',
    to: 'if (attempt > LAST_ATTEMPT + 1 && at',
    pod: '1+1 OnFailure sidecars started twice before',
  },
  {
    rule: 'L6',
    what: 'L9: a sidecar is left to the kubelet when its process ends for the first time',
    file: 'sidecar-layer.ts',
    from: 'if (code === 0 || state.restarts === 0 || !soon) return false;',
    to: 'if (code === 0 || !soon) return false;',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L10',
    what: 'a sidecar that comes after the end of work starts its process first',
    file: SIDECAR,
    from: '  lookAtMains(context, state, at, actions);',
    to: "  if (state.phase === 'queued') start(context, state, at, actions);\n  lookAtMains(context, state, at, actions);",
    pod: '1+1 Never',
  },
  {
    rule: 'L11',
    what: 'a main that is started again after an end for good works again',
    file: MAIN,
    from: 'if (event.done !== undefined) {',
    to: 'if (event.done === -1) {',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L2',
    what: 'a main that was stopped alone with 0 has done its work',
    file: 'lifecycle.ts',
    from: 'last.final && !last.stopping && epoch',
    to: 'last.final && epoch',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L2',
    what: 'a main has done its work in another life of the sandbox',
    file: 'lifecycle.ts',
    from: ' && last.epoch === epoch ? last.code',
    to: ' ? last.code',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L11',
    what: 'a marker speaks on after its writer: a main starts',
    file: 'lifecycle.ts',
    from: 'return peer?.alive === true && peer.marker?.phase',
    to: 'return peer?.marker?.phase',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L11',
    what: 'a last word from before a reboot stops a sidecar',
    file: 'lifecycle.ts',
    from: 'if (marker.epoch !== context.epoch) return',
    to: "if (marker.epoch === '') return",
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L12',
    what: 'a sidecar does not hold its TERM in a deletion',
    file: LEAVE,
    from: 'const mainsDown = doneAt !== undefined || mains.every(isDown);',
    to: 'const mainsDown = doneAt !== undefined || mains.length > 0;',
    pod: '1+1 Never',
  },
  {
    rule: 'L12',
    what: 'no reserve: survivors are killed by the runtime',
    file: LEAVE,
    from: 'const reserve = reserveOf(stop?.alone ? aloneGraceOf(context) : grace);',
    to: 'const reserve = mains.some((main) => isStopping(state.peers.get(main))) ? 0 : reserveOf(stop?.alone ? aloneGraceOf(context) : grace);',
    pod: '1+1 Never',
  },
  {
    rule: 'L12',
    what: "a main's TERM does not reach its process",
    file: MAIN,
    from: "const actions: Action[] = [{ type: 'signal', signal }];",
    to: 'const actions: Action[] = [];',
    pod: '1+1 Never',
  },
  {
    rule: 'L12',
    what: 'the deletion is taken for a stop of one container',
    file: LEAVE,
    from: 'if (others.some((other) => isStopping(state.peers.get(other)))) return false;',
    to: '',
    pod: '1+1 Never',
  },
  {
    rule: 'L13',
    what: 'a stop of one container is taken for the deletion',
    file: LEAVE,
    from: '!probed ||',
    to: 'probed ||',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L13',
    what: "a probe's own short grace period is not known",
    file: 'lifecycle.ts',
    from: '(aloneGrace?.least ?? grace) / 2',
    to: 'grace / 2',
    pod: '1+1 OnFailure a short probe grace',
  },
  {
    rule: 'L12',
    what: 'the deletion is not heard while one is stopped alone with a longer grace period',
    file: LEAVE,
    from: 'earliest(stop.at + aloneGraceOf(context), stop.until)',
    to: 'stop.at + aloneGraceOf(context)',
    pod: '1+1 OnFailure a long probe grace',
  },
  {
    rule: 'L14',
    what: 'a sidecar that was stopped between two starts goes on with the next',
    file: SIDECAR,
    from: 'if (!hasProcess(state)) return end(context, state, exitCode(context, state, processCode), actions);',
    to: "if (state.phase === 'resting' && state.doneAt === undefined) start(context, state, at, actions);\n    if (!hasProcess(state)) return end(context, state, exitCode(context, state, processCode), actions);",
    pod: '1+1 Never',
  },
  {
    rule: 'L15',
    what: 'a preStop hook of a main is forgotten',
    file: LEAVE,
    from: 'return others.some((other) => !preStop.includes(other));',
    to: 'return others.length > preStop.length - preStop.length;',
    pod: '1+1 Never mains with preStop',
  },
  {
    rule: 'L15',
    what: "a sidecar's own preStop hook is cut off when the mains have gone",
    file: MAINS,
    from: 'if (state.stop === undefined && state.endedByStop)',
    to: 'if (state.stop !== undefined && state.endedByStop)',
    pod: '1+1 Never a sidecar with preStop',
  },
  {
    rule: 'L6',
    what: 'L5: nobody thinks of a new image when a main was stopped',
    file: 'lifecycle.ts',
    from: 'if (!probed) return LONGEST_DOUBT;',
    to: 'if (!probed) return 0;',
    pod: '1+1 Never no probes',
  },
  {
    rule: 'L6',
    what: 'L5: nobody thinks of the restart after a probe when a main was stopped and succeeded',
    file: 'lifecycle.ts',
    from: "return restartPolicy === 'Never' ? 0 : DOUBT;",
    to: 'return 0;',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L6',
    what: 'L5: the doubt is counted from the first stop, also after the next',
    file: MAINS,
    from: 'if (state.stoppedMains.some((end) => !before.includes(end))) {',
    to: 'if (before.length === 0 && state.stoppedMains.length > 0) {',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L6',
    what: 'L5: the doubt about a stop has no end',
    file: MAINS,
    from: 'stoppedEndAt + (peer?.marker?.stopDoubt ?? 0)',
    to: 'at + (peer?.marker?.stopDoubt ?? 0)',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L7',
    what: 'a sidecar leaves its dying sandbox with 0 although its main will be started again',
    file: LEAVE,
    from: "if (restartPolicy === 'Never' || isDone) return 0;",
    to: "if (restartPolicy === 'Never' || isDone || mains.every((name) => !state.peers.get(name)?.alive)) return 0;",
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L16',
    what: 'a timer that is over is asked for again',
    file: LEAVE,
    from: '  } else wake(state, state.killAt);',
    to: '  }\n  wake(state, at);',
    pod: '1+1 Never',
  },
  {
    rule: 'L16',
    what: 'two sidecars that start answer each other for ever',
    file: SIDECAR,
    from: `      state.peers = event.peers;
      break;`,
    to: `      state.peers = event.peers;
      const alone = context.options.mains.every((main) => !event.peers.get(main)?.lived);
      if (alone && state.stop === undefined && (state.phase === 'queued' || state.phase === 'starting')) {
        const { sidecars, name } = context.options;
        const heard = sidecars.some((other) => other !== name && event.peers.get(other)?.marker?.stopping === true);
        const phase = state.phase === 'queued' ? 'waiting' : 'starting';
        const stopping = heard === (sidecars[0] === name);
        const marker = { phase, code: 0, final: false, killedIsFinal: false, stopping, stopDoubt: 0 };
        return settle(context, state, event.at, [{ type: 'announce', marker }]);
      }
      break;`,
    pod: '1+2 Never',
  },
  {
    rule: 'L8',
    what: 'L17: a main waits for ever for a sidecar that is gone',
    file: MAIN,
    from: 'else state.lostAt ??= at;',
    to: 'else if (at < 0) state.lostAt = at;',
    pod: '1+1 Never',
  },
  {
    rule: 'L8',
    what: 'L17: a main waits for ever for a sidecar that was gone before a reboot',
    file: MAIN,
    from: 'let goneAt = state.since + DOUBT;',
    to: 'let goneAt = at + DOUBT;',
    pod: '1+1 OnFailure',
  },
  {
    rule: 'L8',
    what: 'L17: of a last word that could not be written only the code is heard',
    file: 'spoken-word.ts',
    from: "phase: 'ended', code, final, stopping, stopDoubt };",
    to: "phase: 'ended', code, final: false, stopping, stopDoubt };",
    pod: '1+1 Never',
  },
];

/** The machines with this bug in them. `remove` the copy when the search is over. */
export async function brokenMachines(bug: Break): Promise<{ machines: Machines; remove: () => void }> {
  const folder = mkdtempSync(`${tmpdir()}/curfew-broken-`);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  cpSync(new URL('../../shim', import.meta.url).pathname, folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, '{"type":"module"}\n');
  const path = `${folder}/${bug.file}`;
  const text = readFileSync(path, 'utf8');
  if (text.split(bug.from).length !== 2) {
    remove();
    throw new Error(`shim/${bug.file} does not hold this text once: ${bug.from}`);
  }
  writeFileSync(
    path,
    text.replace(bug.from, () => bug.to),
  );
  return { machines: await machinesIn(folder), remove };
}
