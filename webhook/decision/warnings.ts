import { readinessProbePort } from './condition.ts';
import type { Decision } from './decide.ts';
import { heldBackByHook } from './hook-order.ts';
import { warnOfInitNeeds } from './init-need.ts';
import { type KnownSidecar, knownSidecar } from './known-sidecar.ts';
import { warnOfNearMisses } from './near-miss.ts';
import type { Plan } from './plan.ts';
import type { PlannedPart, ReadPart } from './planned-part.ts';
import type { PodView } from './pod.ts';
import { warnOfProcessOne } from './process-one.ts';
import { containerKey, MAINS, READY, SIDECARS } from './vocabulary.ts';

/** Names that annotations lack or have too many: their author does not see the containers that other webhooks add. */
export function warnOfNames(
  pod: PodView,
  { parts, wishes }: Decision,
  catalogue: readonly KnownSidecar[],
  warn: (text: string) => void,
): void {
  if (wishes.sidecars !== undefined)
    for (const { container, role } of parts)
      if (role === 'main' && knownSidecar(catalogue, container.name, container.image) !== undefined)
        warn(
          `container ${container.name} is a known sidecar that annotation ${SIDECARS} does not list, so the pod ends only when it ` +
            `does: list it, or name the mains in ${MAINS} instead`,
        );
  warnOfNearMisses(pod, wishes, catalogue, warn);
  const present = [...pod.containers, ...pod.initContainers].map(({ name }) => name);
  for (const name of wishes.containers.keys())
    if (!present.includes(name))
      warn(`annotations are for container ${name}, which the pod does not have (yet)`);
}

/** W8: hooks and probes that stay as they are and yet mean something else under the shim. */
export function warnOfChangedMeaning(plan: Plan, warn: (text: string) => void): void {
  warnOfInitNeeds(plan, warn);
  for (const part of plan.parts) {
    const { name } = part.container;
    const { details } = part;
    if (part.role === 'main') {
      if (details.hasStartupProbe && part.gate === undefined)
        warn(
          `main ${name}: its startup probe counts already while it waits for its sidecars, because the shim cannot ask it: ` +
            'use plain HTTP, TCP or exec without secret headers, or give it a longer initialDelaySeconds',
        );
    } else {
      warnOfQueuedProbe(plan, part, warn);
      warnOfCircle(plan.decision, plan.parts, part, warn);
      if (details.hasPreStop)
        warn(`sidecar ${name}: its preStop hook runs when the pod is deleted, not at the end of the work`);
    }
    warnOfPostStart(plan, part, warn);
    warnOfProcessOne(plan.pod, part, warn);
  }
}

/**
 * Seconds. A probe that gives a container so long to start is meant for slow starts (Istio's gives ten minutes). The pull of an
 * image is granted as long (L5); a sidecar that waits longer for its turn has another trouble.
 */
const LONG_START = 300;

/** Under Never a sidecar whose probe failed while it waited for its turn is not started again, and the mains wait in vain. */
function warnOfQueuedProbe({ pod }: Plan, part: PlannedPart, warn: (text: string) => void): void {
  const { name } = part.container;
  const { probeDeadline, hasStartupProbe, restartPolicy } = part.details;
  if (probeDeadline === undefined || probeDeadline >= LONG_START) return;
  if ((restartPolicy ?? pod.restartPolicy) !== 'Never' || part.waitsFor.length === 0) return;
  if (!hasStartupProbe || part.gate !== undefined) return;
  warn(
    `sidecar ${name}: its startup probe, which the shim cannot ask, counts already while it waits for its turn, and stops it for good ` +
      `(restartPolicy Never) if that takes more than ${probeDeadline}s: give it a longer initialDelaySeconds`,
  );
}

/** A sidecar whose probe is answered by a container that waits for it (L1, L2): a proxy, through which its probe reaches what is behind it. */
export function warnOfCircle(
  { wishes, sidecars }: Decision,
  parts: readonly ReadPart[],
  part: ReadPart,
  warn: (text: string) => void,
): void {
  const { name } = part.container;
  const port = readinessProbePort(part.details, wishes.containers.get(name) ?? {}, part.known);
  if (port === undefined || part.details.tcpPorts.has(port)) return;
  const isBehind = (one: ReadPart) =>
    one.role === 'main' || sidecars.indexOf(one.container.name) > sidecars.indexOf(name);
  const other = parts.find((one) => one.details.tcpPorts.has(port) && isBehind(one));
  if (other === undefined) return;
  warn(
    `sidecar ${name}: its readinessProbe asks port ${port}, which ${other.role} ${other.container.name} declares: if nobody ` +
      `else opens it before ${name} is ready, both wait for ever; set ${containerKey(READY, name)}: none`,
  );
}

/** A postStart hook runs as soon as its container is created, and the containers after it are created when it has ended. */
function warnOfPostStart(
  { decision, parts, order }: Plan,
  part: PlannedPart,
  warn: (text: string) => void,
): void {
  const { name } = part.container;
  const { sidecars } = decision;
  if (!part.details.hasWaitingHook) return;
  const heldBack = heldBackByHook(part, parts, sidecars, order)?.container.name;
  if (heldBack !== undefined)
    warn(
      `${part.role} ${name}: its postStart hook has to end before container ${heldBack} can run, which stands in front of it: a ` +
        `hook that needs ${heldBack} running never ends`,
    );
  if (part.role === 'main')
    warn(`main ${name}: its postStart hook may run while it still waits for its sidecars`);
  else if (decision.wishes.sidecars !== undefined && part.waitsFor.length > 0)
    warn(
      `sidecar ${name}: its postStart hook may run while it still waits for its turn, and one that gives up stops it: list ${name} ` +
        `first in ${SIDECARS}`,
    );
}
