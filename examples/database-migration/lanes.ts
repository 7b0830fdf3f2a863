/** From the events of a pod to what is drawn: for each container the stretches of time in which it waits and runs. */
import type { Deed, Recording, TimelineEvent } from './recording.ts';

/** A stretch of time. */
export interface Span {
  from: number;
  /** Undefined: it did not end. */
  to: number | undefined;
  /** `waits`: the container is there and its work is not, or is not ready. `lingers`: the pod's work is done, and it runs all the same. */
  kind: 'waits' | 'runs' | 'lingers';
  /** In a few words, and in one where there is little room. */
  label: string;
  short: string;
}

export interface Lane {
  name: string;
  role: Recording['containers'][number]['role'];
  spans: Span[];
  /** The lines that the program wrote. */
  said: TimelineEvent[];
  /** Undefined: it did not end by itself. */
  ended: { at: number; code: number | undefined } | undefined;
}

/** What begins with each of the events that begin something. */
const BEGINNINGS: Partial<Record<Deed, Pick<Span, 'kind' | 'label' | 'short'>>> = {
  started: { kind: 'runs', label: 'runs', short: 'runs' },
  waiting: { kind: 'waits', label: 'waits for the sidecar', short: 'waits' },
  starting: { kind: 'waits', label: 'starts', short: 'starts' },
  ready: { kind: 'runs', label: 'ready', short: 'ready' },
  running: { kind: 'runs', label: 'runs', short: 'runs' },
  resting: { kind: 'waits', label: 'pauses', short: 'pauses' },
};

/** When the last main ended; undefined where one did not. */
export function endOfWork({ containers, events }: Recording): number | undefined {
  const ends = containers
    .filter(({ role }) => role === 'main')
    .map(
      ({ name }) =>
        events.find(({ container, deed }) => container === name && deed === 'ended')?.at ?? Infinity,
    );
  const last = Math.max(...ends);
  return Number.isFinite(last) ? last : undefined;
}

/**
 * A lane for each container, in the pod's order.
 * @param patience how long a sidecar may go on after the work (ms) before that counts as lingering: it takes a moment to close
 */
export function lanesOf(recording: Recording, patience = 1_000): Lane[] {
  const done = endOfWork(recording);
  return recording.containers.map(({ name, role }) => {
    const own = recording.events.filter(({ container }) => container === name);
    const ended = own.find(({ deed }) => deed === 'ended');
    const spans = spansOf(own, ended?.at);
    return {
      name,
      role,
      spans: role === 'sidecar' && done !== undefined ? lingering(spans, done, patience) : spans,
      said: own.filter(({ deed }) => deed === 'said'),
      ended: ended === undefined ? undefined : { at: ended.at, code: ended.code },
    };
  });
}

function spansOf(events: readonly TimelineEvent[], end: number | undefined): Span[] {
  const spans: Span[] = [];
  for (const { at, deed } of events) {
    const beginning = BEGINNINGS[deed];
    if (beginning === undefined) continue;
    const last = spans.at(-1);
    // A shim's first word comes a moment after its start, and says what that moment was.
    const first = spans.length === 1 && last?.label === 'runs' && beginning.kind === 'waits';
    if (last !== undefined) last.to = at;
    if (first) spans.pop();
    spans.push({ from: first && last !== undefined ? last.from : at, to: undefined, ...beginning });
  }
  const last = spans.at(-1);
  if (last !== undefined) last.to = end;
  return spans;
}

/** A span that goes on after the work is done is cut in two there. */
function lingering(spans: readonly Span[], done: number, patience: number): Span[] {
  return spans.flatMap((span): Span[] => {
    if (span.to !== undefined && span.to <= done + patience) return [span];
    const rest = {
      to: span.to,
      kind: 'lingers' as const,
      label: span.to === undefined ? 'runs on, for ever' : 'runs on',
      short: 'runs on',
    };
    if (span.from >= done) return [{ from: span.from, ...rest }];
    return [
      { ...span, to: done },
      { from: done, ...rest },
    ];
  });
}
