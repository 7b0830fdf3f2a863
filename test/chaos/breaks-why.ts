/** Bugs in what the shim says of itself: the pod ends as it should, and `curfew why` names the wrong container. */
import type { Break } from './break.ts';
import { canBeAsked } from './why.ts';

export const WHY_BREAKS: readonly Break[] = [
  {
    rules: ['S1'],
    what: 'status-view.ts: a sidecar that is not ready is not told of',
    file: 'status-view.ts',
    from: "({ phase, stopping }) => phase !== 'started' || stopping,",
    to: "({ phase, stopping }) => (phase !== 'started' && phase !== 'starting') || stopping,",
    // It is asked when the same has been known for a while.
    where: (plan) =>
      canBeAsked(plan) &&
      plan.startTimeout === undefined &&
      plan.sidecars.some(({ delay }) => delay < 0) &&
      plan.happenings.some(({ delay, deed }) => deed.kind === 'delete' && delay > 2_500),
  },
];
