/**
 * Breadth first through every state that a case can reach, so that the first trace to a broken rule is a shortest one. Then,
 * over the whole graph: nobody waits for ever, and nobody is busy for ever.
 */

import { type Case, TROUBLES, type Trouble } from './case.ts';
import { Catalogue, grown } from './catalogue.ts';
import { Draft } from './draft.ts';
import { isEnd, isSettled } from './ends.ts';
import { happenings } from './environment.ts';
import type { Happening } from './happening.ts';
import { firstWorld, type Truth, type World } from './pod.ts';
import { RuleBroken } from './rules.ts';
import type { Scene } from './scene.ts';

export interface Limits {
  /** States; the search stops there, not exhausted. */
  states: number;
  /** Monotonic milliseconds at which it stops, not exhausted. */
  until: number;
}

export interface Broken {
  rule: string;
  text: string;
  /** States on the way, from the first to the one before the rule is broken. */
  path: World[];
  /** What broke it; absent where it is the last state itself that is wrong. */
  last?: string;
}

export interface Result {
  states: number;
  transitions: number;
  ends: number;
  /** Every reachable state was visited. */
  exhausted: boolean;
  milliseconds: number;
  broken?: Broken;
}

const FAIR = 1;
const OWN = 2;

/** Edges between states, for what can only be judged when all are known. */
class Edges {
  from = new Int32Array(1 << 16);
  to = new Int32Array(1 << 16);
  kind = new Uint8Array(1 << 16);
  count = 0;

  add(from: number, to: number, kind: number): void {
    if (this.count === this.from.length) {
      this.from = grown(this.from);
      this.to = grown(this.to);
      const kinds = new Uint8Array(this.kind.length * 2);
      kinds.set(this.kind);
      this.kind = kinds;
    }
    this.from[this.count] = from;
    this.to[this.count] = to;
    this.kind[this.count] = kind;
    this.count++;
  }
}

/** The world after something happened. */
export function after(scene: Scene, world: World, what: Happening, tell?: string[]): World {
  const draft = new Draft(scene, world, tell !== undefined);
  try {
    if (what.trouble !== undefined) draft.truth = paid(scene.pod, draft.truth, what.trouble);
    what.apply(draft);
    return draft.finish();
  } finally {
    tell?.push(...draft.lines);
  }
}

/** Of what was had only that is kept which decides what can still come. */
function paid(pod: Case, truth: Truth, trouble: Trouble): Truth {
  const troubles = truth.troubles + 1;
  const had = pod.once.includes(trouble) ? truth.had | (1 << TROUBLES.indexOf(trouble)) : truth.had;
  return { ...truth, troubles, had: troubles < pod.trouble ? had : 0 };
}

export function search(scene: Scene, limits: Limits): Result {
  const start = performance.now();
  const catalogue = new Catalogue(scene);
  let parents = new Int32Array(1 << 16);
  const edges = new Edges();
  const settled: number[] = [];
  let ends = 0;
  let transitions = 0;
  const result = (exhausted: boolean, broken?: Broken): Result => ({
    states: catalogue.size,
    transitions,
    ends,
    exhausted,
    milliseconds: performance.now() - start,
    ...(broken === undefined ? {} : { broken }),
  });
  const pathTo = (state: number): World[] => {
    const path: World[] = [];
    for (let at = state; at >= 0; at = parents[at] ?? -1) path.unshift(catalogue.world(at));
    return path;
  };
  parents[catalogue.add(firstWorld(scene.pod))] = -1;
  for (let state = 0; state < catalogue.size; state++) {
    if (catalogue.size > limits.states || ((state & 255) === 0 && performance.now() > limits.until))
      return result(false);
    const world = catalogue.world(state);
    if (isEnd(scene.pod, world)) ends++;
    if (isSettled(scene.pod, world)) settled.push(state);
    for (const what of happenings(scene, world)) {
      transitions++;
      try {
        const known = catalogue.size;
        const next = catalogue.add(after(scene, world, what));
        if (next >= known) {
          if (next >= parents.length) parents = grown(parents);
          parents[next] = state;
        }
        if (what.fair) edges.add(state, next, FAIR | (what.own ? OWN : 0));
      } catch (error) {
        if (!(error instanceof RuleBroken)) throw error;
        return result(false, { rule: error.rule, text: error.message, path: pathTo(state), last: what.text });
      }
    }
  }
  const busy = firstBusy(catalogue.size, edges);
  if (busy !== undefined) {
    const text = 'shims keep each other busy for ever, while no time passes';
    return result(true, { rule: 'L16', text, path: pathTo(busy) });
  }
  const stuck = firstStuck(catalogue.size, edges, settled);
  if (stuck !== undefined) {
    const text = 'from here the pod never ends, whatever happens as it should: somebody waits for ever';
    return result(true, { rule: 'L8', text, path: pathTo(stuck) });
  }
  return result(true);
}

/** The first state from which no end can be reached by what happens sooner or later anyway. */
function firstStuck(states: number, edges: Edges, settled: readonly number[]): number | undefined {
  const { offsets, list } = reversed(states, edges, FAIR);
  const reaches = new Uint8Array(states);
  const queue = [...settled];
  for (const state of settled) reaches[state] = 1;
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (let i = offsets[state] ?? 0; i < (offsets[state + 1] ?? 0); i++) {
      const before = list[i] ?? 0;
      if (reaches[before] === 1) continue;
      reaches[before] = 1;
      queue.push(before);
    }
  }
  const first = reaches.indexOf(0);
  return first < 0 ? undefined : first;
}

/** The first state on a circle of the shims' own acts (Kahn's algorithm leaves circles, and what leads to them backwards). */
function firstBusy(states: number, edges: Edges): number | undefined {
  const { offsets, list } = reversed(states, edges, OWN);
  const out = new Int32Array(states);
  for (let i = 0; i < edges.count; i++) {
    if (((edges.kind[i] ?? 0) & OWN) !== 0) out[edges.from[i] ?? 0] = (out[edges.from[i] ?? 0] ?? 0) + 1;
  }
  const queue: number[] = [];
  let left = 0;
  for (let state = 0; state < states; state++) {
    if (out[state] === 0) queue.push(state);
    else left++;
  }
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (let i = offsets[state] ?? 0; i < (offsets[state + 1] ?? 0); i++) {
      const before = list[i] ?? 0;
      out[before] = (out[before] ?? 0) - 1;
      if (out[before] === 0) {
        queue.push(before);
        left--;
      }
    }
  }
  if (left === 0) return undefined;
  const first = out.findIndex((count) => count > 0);
  return first < 0 ? undefined : first;
}

/** For each state, those from which an edge of this kind leads to it. */
function reversed(states: number, edges: Edges, kind: number): { offsets: Int32Array; list: Int32Array } {
  const offsets = new Int32Array(states + 1);
  for (let i = 0; i < edges.count; i++) {
    if (((edges.kind[i] ?? 0) & kind) === 0) continue;
    const at = (edges.to[i] ?? 0) + 1;
    offsets[at] = (offsets[at] ?? 0) + 1;
  }
  for (let i = 0; i < states; i++) offsets[i + 1] = (offsets[i + 1] ?? 0) + (offsets[i] ?? 0);
  const list = new Int32Array(offsets[states] ?? 0);
  const next = offsets.slice();
  for (let i = 0; i < edges.count; i++) {
    if (((edges.kind[i] ?? 0) & kind) === 0) continue;
    const to = edges.to[i] ?? 0;
    list[next[to] ?? 0] = edges.from[i] ?? 0;
    next[to] = (next[to] ?? 0) + 1;
  }
  return { offsets, list };
}
