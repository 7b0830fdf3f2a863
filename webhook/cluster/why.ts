/** `curfew why`: who holds a pod, and what to do. Pure. */
import type { Finding, Judged, Scene } from './finding.ts';
import { judge, rolesOf } from './judgement.ts';
import { policyUnder } from './not-wrapped.ts';
import { deleted, ended, hanging, saidInLogs, unclear, working } from './why-run.ts';
import { saidByShim } from './why-shim.ts';
import { creating, failing, initialising, stuck, unscheduled } from './why-start.ts';

/** The first that says something is the answer. */
const STEPS: readonly ((scene: Judged) => Finding | undefined)[] = [
  ended,
  deleted,
  unscheduled,
  initialising,
  stuckMain,
  hanging,
  saidByShim,
  stuckSidecar,
  saidInLogs,
  unclear,
  creating,
];

/** Judge a pod. */
export function why(scene: Scene): Finding {
  const judged: Judged = {
    ...scene,
    roles: rolesOf(scene.pod, scene.policy),
    judgement: judge(scene.pod.raw, policyUnder(scene.label, scene.policy)),
  };
  for (const step of STEPS) {
    const finding = step(judged);
    if (finding !== undefined) return finding;
  }
  return working(judged);
}

function stuckMain(scene: Judged): Finding | undefined {
  return firstStuck(scene, 'main');
}

function stuckSidecar(scene: Judged): Finding | undefined {
  return firstStuck(scene, 'sidecar');
}

function firstStuck(scene: Judged, role: 'main' | 'sidecar'): Finding | undefined {
  for (const container of scene.pod.containers) {
    if (container.place === 'init') continue;
    const own = container.place === 'native' ? 'sidecar' : scene.roles.get(container.name)?.role;
    if (own !== role) continue;
    const kind = container.place === 'native' ? 'native sidecar' : role;
    const finding = stuck(scene, container, kind) ?? comesBack(scene, container, kind);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

/** It ended, and the kubelet is about to start it again. */
function comesBack(
  scene: Judged,
  container: Judged['pod']['containers'][number],
  kind: string,
): Finding | undefined {
  const { state, place } = container;
  const { restartPolicy } = scene.pod;
  const again = place === 'native' || restartPolicy === 'Always' || restartPolicy === 'OnFailure';
  return state.kind === 'ended' && state.code !== 0 && again ? failing(scene, container, kind) : undefined;
}
