/** The state machine of one container's role, with the state that it is in. */
import type { Action, Context, Event, Peers, Step } from './lifecycle.ts';
import { type MainState, startMain, stepMain } from './main-lifecycle.ts';
import { startSidecar, stepSidecar } from './sidecar-lifecycle.ts';
import type { SidecarState } from './sidecar-state.ts';

type State = { role: 'main'; main: MainState } | { role: 'sidecar'; sidecar: SidecarState };

/** A main's or a sidecar's machine. It does nothing before its `start` event. */
export class Machine {
  private readonly context: Context;
  private state: State | undefined;

  constructor(context: Context) {
    this.context = context;
  }

  /** It had its `start` event. */
  get started(): boolean {
    return this.state !== undefined;
  }

  /** When it must have a tick at the latest (monotonic ms). */
  get wakeAt(): number | undefined {
    if (this.state === undefined) return undefined;
    return this.state.role === 'main' ? this.state.main.wakeAt : this.state.sidecar.wakeAt;
  }

  /** Whether what happens to the others can decide anything: a main that runs needs nobody. */
  get needsOthers(): boolean {
    return this.state?.role !== 'main' || this.state.main.phase === 'waiting';
  }

  /** What to do about an event. */
  step(event: Event): Action[] {
    const take = <S>(step: Step<S>, keep: (state: S) => State): Action[] => {
      this.state = keep(step.state);
      return step.actions;
    };
    const asMain = (main: MainState): State => ({ role: 'main', main });
    const asSidecar = (sidecar: SidecarState): State => ({ role: 'sidecar', sidecar });
    if (this.state === undefined) {
      if (event.type !== 'start') return [];
      return this.context.options.role === 'main'
        ? take(startMain(this.context, event), asMain)
        : take(startSidecar(this.context, event), asSidecar);
    }
    return this.state.role === 'main'
      ? take(stepMain(this.context, this.state.main, event), asMain)
      : take(stepSidecar(this.context, this.state.sidecar, event), asSidecar);
  }

  /** The others as they are now, for the next event: nothing is decided yet. */
  see(peers: Peers): void {
    if (this.state === undefined) return;
    this.state =
      this.state.role === 'main'
        ? { role: 'main', main: { ...this.state.main, peers } }
        : { role: 'sidecar', sidecar: { ...this.state.sidecar, peers } };
  }
}
