/** One step of a container's own state machine. */
import type { Action, Context, Event } from '../../shim/lifecycle.ts';
import type { Machines } from './machines.ts';
import type { Box } from './pod.ts';

/** What an event makes of a shim's state, and what the shim does; undefined where it has not begun, and the event is no start. */
export function stepOf(
  machines: Machines,
  context: Context,
  box: Box,
  event: Event,
): { change: Partial<Box>; actions: readonly Action[] } | undefined {
  if (context.options.role === 'main') {
    const step =
      box.main !== undefined
        ? machines.stepMain(context, box.main, event)
        : event.type === 'start'
          ? machines.startMain(context, event)
          : undefined;
    return step && { change: { main: step.state }, actions: step.actions };
  }
  const step =
    box.sidecar !== undefined
      ? machines.stepSidecar(context, box.sidecar, event)
      : event.type === 'start'
        ? machines.startSidecar(context, event)
        : undefined;
  return step && { change: { sidecar: step.state }, actions: step.actions };
}

/** When its state machine asks to be woken. */
export function wakeOf(box: Box): number | undefined {
  return box.main?.wakeAt ?? box.sidecar?.wakeAt;
}
