/** Bugs in how a container waits: rules L16 and L17. */
import { type Break, LEAVE, MAIN, SIDECAR } from './break.ts';

export const WAIT_BREAKS: readonly Break[] = [
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
