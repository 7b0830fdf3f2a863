/**
 * The time that the shim adds to a bare exec: a main's whole life, whose sidecar is started, around a program that does nothing.
 * The rendezvous is on disk and prepared, as in a pod.
 */
import { execFileSync } from 'node:child_process';
import type { Bench } from './bench.ts';
import { median, spreadOf } from './figure.ts';
import { installRendezvous, phaseReached, put, SIDECAR, shimCommand, start, until } from './pod.ts';

const ROUNDS = 300;
const NOTHING = '/bin/true';

export const shimStart: Bench = {
  name: 'start',
  about: `time that the shim adds to a bare exec, median of ${ROUNDS}, beside static tini`,
  measure: async (workshop) => {
    const run = installRendezvous(workshop, 'start');
    // Restarted Always, a main's end is never final: the sidecar stays for all rounds.
    const always = ['--restart-policy=Always'];
    const sidecar = start(shimCommand(workshop, 'sidecar', run, [workshop.witness, 'sleep'], always));
    try {
      await until('the sidecar is started', () => phaseReached(run, SIDECAR, 'started'));
      // Its shim would look at each change in the rendezvous, on a core that the measured processes want too. Stopped, it
      // is still started for the main, and inotify still notes each change for it.
      sidecar.kill('SIGSTOP');
      workshop.progress(`start: ${ROUNDS} rounds of a bare exec, tini and the shim in turn`);
      const commands = [
        [NOTHING],
        // -s: it complains when it is neither process 1 nor a subreaper. The shim makes itself one too.
        [workshop.tini, '-s', '--', NOTHING],
        shimCommand(workshop, 'main', run, [NOTHING], always),
      ];
      const words = commands.flatMap((command, i) => (i === 0 ? command : ['++', ...command]));
      const text = execFileSync(workshop.execTimer, [String(ROUNDS), ...words], { encoding: 'utf8' });
      const rounds = text
        .trim()
        .split('\n')
        .map((line) => line.split(' ').map((ns) => Number(ns) / 1e6));
      const added = (i: number) => rounds.map((times) => (times[i] ?? Number.NaN) - (times[0] ?? Number.NaN));
      return [
        {
          name: 'shim, added to a bare exec',
          value: median(added(2)),
          unit: 'ms',
          yardstick: median(added(1)),
          beside: 'static tini',
          limits: [{ of: 'ratio', bound: 'at most', limit: 2 }],
          spread: spreadOf(added(2)),
        },
      ];
    } finally {
      await put(sidecar);
    }
  },
};
