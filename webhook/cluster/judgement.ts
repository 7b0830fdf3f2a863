/** What Curfew would make of a pod that is in a cluster, and which role each of its containers has. Pure. */

import { parseWishes } from '../decision/annotations.ts';
import type { ImageAnswer, ImageRequest } from '../decision/images.ts';
import { knownSidecar } from '../decision/known-sidecar.ts';
import { type Mutation, prepare } from '../decision/mutate.ts';
import { NotWrapped } from '../decision/mutation.ts';
import { findConversion } from '../decision/native/record.ts';
import { findNearMisses, nearMissMessage } from '../decision/near-miss.ts';
import { type PodView, parsePod } from '../decision/pod.ts';
import type { Policy } from '../decision/policy.ts';
import { chooseRoles } from '../decision/roles.ts';
import { ShapeError } from '../shared/json.ts';
import type { PodFacts } from './pod-facts.ts';

/** How sure it is that a container is a sidecar. */
export type Sureness = 'declared' | 'known' | 'likely';

export interface Role {
  role: 'main' | 'sidecar';
  /** Set for a sidecar. `likely`: only its name or only its image is known. */
  sureness?: Sureness;
}

/** What the webhook would decide in a labelled namespace. */
export interface Judgement extends Pick<Mutation, 'outcome' | 'reason' | 'message' | 'warnings'> {
  /** Containers whose image the webhook would have to look up; it is taken for granted here that it finds each. */
  lookups: readonly string[];
}

/**
 * Decide as the webhook would, for a pod or a pod template, but ask no registry.
 * @param pod any JSON value
 */
export function judge(pod: unknown, policy: Policy): Judgement {
  const prepared = prepare(pod, policy);
  const answers = new Map(prepared.images.map((request) => [request.container, anAnswer(request)]));
  const { outcome, reason, message, warnings } = prepared.mutate(answers);
  return { outcome, reason, message, warnings, lookups: prepared.images.map(({ container }) => container) };
}

/** Would the webhook end the pod's sidecars, by either mechanism? */
export function wouldChange({ outcome, reason }: Pick<Judgement, 'outcome' | 'reason'>): boolean {
  return outcome === 'wrapped' || outcome === 'converted' || reason === 'already-wrapped';
}

/** Some command: what it is changes no decision. */
function anAnswer(_request: ImageRequest): ImageAnswer {
  return { ok: true, config: { entrypoint: ['/program'], cmd: [] } };
}

/**
 * The role of each regular container: the shim's own word, else the annotations', else the catalogue's. Without any of them a container is
 * a main.
 */
export function rolesOf(facts: PodFacts, policy: Policy): ReadonlyMap<string, Role> {
  const roles = new Map<string, Role>();
  for (const { name, place, shim } of facts.containers)
    if (place === 'regular')
      roles.set(name, shim === 'sidecar' ? { role: 'sidecar', sureness: 'declared' } : { role: 'main' });
  if (facts.wrapped) return roles;
  const view = viewOf(facts.raw);
  if (view === undefined) return roles;
  const wishes = parseWishes(view, true, policy.catalogue);
  const chosen = wishes instanceof NotWrapped ? wishes : chooseRoles(view, wishes, policy.catalogue);
  if (!(chosen instanceof NotWrapped)) {
    const isDeclared =
      !(wishes instanceof NotWrapped) && (wishes.sidecars !== undefined || wishes.mains !== undefined);
    for (const name of chosen.sidecars)
      roles.set(name, { role: 'sidecar', sureness: isDeclared ? 'declared' : 'known' });
    return roles;
  }
  for (const { name, image } of view.containers)
    if (knownSidecar(policy.catalogue, name, image) !== undefined)
      roles.set(name, { role: 'sidecar', sureness: 'known' });
  for (const { container } of findNearMisses(view, policy.catalogue)?.found ?? [])
    roles.set(container, { role: 'sidecar', sureness: 'likely' });
  return roles;
}

/** What to write so that containers which only look like sidecars are ended too; undefined where there is none. */
export function nearMissOf(raw: unknown, policy: Policy): string | undefined {
  const view = viewOf(raw);
  const near = view && findNearMisses(view, policy.catalogue);
  return near && nearMissMessage(near);
}

/** Sidecars that Curfew has made native ones, and that another webhook has made ordinary init containers again (N6). */
export function strippedIn({ raw }: PodFacts): readonly string[] {
  const view = viewOf(raw);
  return (view && findConversion(view)?.stripped) ?? [];
}

function viewOf(raw: unknown): PodView | undefined {
  try {
    return parsePod(raw);
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}
