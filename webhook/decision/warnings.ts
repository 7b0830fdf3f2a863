import type { Wishes } from './annotations.ts';
import type { Part } from './decide.ts';
import { type KnownSidecar, knownSidecar } from './known-sidecar.ts';
import type { PodView } from './pod.ts';
import { readinessProbePort } from './readiness.ts';
import { containerKey, MAINS, READY, SIDECARS } from './vocabulary.ts';
import type { Order, Planned } from './wrap.ts';

/** Names that the annotations should or should not have: what is added by other webhooks, their author does not see. */
export function warnOfNames(
  pod: PodView,
  { parts }: { parts: readonly Part[] },
  wishes: Wishes,
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
  const present = [...pod.containers, ...pod.initContainers].map(({ name }) => name);
  for (const name of wishes.containers.keys())
    if (!present.includes(name))
      warn(`annotations are for container ${name}, which the pod does not have (yet)`);
}

/** W8: hooks and probes that stay as they are and yet mean something else under the shim. */
export function warnOfChangedMeaning(
  pod: PodView,
  parts: readonly Planned[],
  order: Order,
  wishes: Wishes,
  warn: (text: string) => void,
): void {
  for (const part of parts) {
    const { name } = part.container;
    const { details } = part;
    if (part.role === 'main') {
      const probes = [
        ...(details.hasStartupProbe ? ['startup'] : []),
        ...(details.hasLivenessProbe ? ['liveness'] : []),
      ];
      if (probes.length > 0)
        warn(
          `main ${name}: its ${probes.join(' and ')} ${probes.length > 1 ? 'probes count' : 'probe counts'} already while it waits for its sidecars`,
        );
    } else {
      warnOfQueuedProbe(pod, part, order, warn);
      warnOfCircle(part, parts, order, wishes, warn);
      for (const probe of details.probesWithGrace)
        warn(
          `sidecar ${name}: its ${probe} probe has a terminationGracePeriodSeconds of its own, which its shim does not know: the ` +
            "sidecar may be killed before it was asked to end, or before it is done; leave it out, and the pod's counts",
        );
      if (details.hasPreStop)
        warn(`sidecar ${name}: its preStop hook runs when the pod is deleted, not at the end of the work`);
    }
    if (details.hasPostStart) warnOfPostStart(part, parts, order, warn);
  }
}

/** Who must be started before a container's command runs (L1, L2). */
function awaitedBy({ role, container }: Planned, { sidecars }: Order): readonly string[] {
  return role === 'main' ? sidecars : sidecars.slice(0, sidecars.indexOf(container.name));
}

/**
 * Seconds. A probe that gives a container so long to start is not meant for a quick one (Istio's gives ten minutes), and whoever
 * waits longer for a sidecar has another trouble: so much is granted to the pull of an image too (L5).
 */
const PATIENT = 300;

/** Under Never nobody starts a sidecar again whose probe failed while it waited for its turn, and the mains wait in vain. */
function warnOfQueuedProbe(pod: PodView, part: Planned, order: Order, warn: (text: string) => void): void {
  const { name } = part.container;
  const { probePatience, hasStartupProbe, restartPolicy } = part.details;
  if (probePatience === undefined || probePatience >= PATIENT) return;
  if ((restartPolicy ?? pod.restartPolicy) !== 'Never' || awaitedBy(part, order).length === 0) return;
  warn(
    `sidecar ${name}: its ${hasStartupProbe ? 'startup' : 'liveness'} probe counts already while it waits for its turn, and stops it ` +
      `for good (restartPolicy Never) if that takes more than ${probePatience}s: give it a longer initialDelaySeconds`,
  );
}

/** A sidecar that is ready when somebody answers who waits for it (L1, L2): a proxy, probed through to what is behind it. */
function warnOfCircle(
  part: Planned,
  parts: readonly Planned[],
  order: Order,
  wishes: Wishes,
  warn: (text: string) => void,
): void {
  const { name } = part.container;
  const port = readinessProbePort(part.details, wishes.containers.get(name) ?? {}, part.known);
  if (port === undefined || part.details.tcpPorts.has(port)) return;
  const other = parts.find((one) => one.details.tcpPorts.has(port) && awaitedBy(one, order).includes(name));
  if (other === undefined) return;
  warn(
    `sidecar ${name}: its readinessProbe asks port ${port}, which ${other.role} ${other.container.name} declares: if nobody ` +
      `else opens it before ${name} is ready, both wait for ever; set ${containerKey(READY, name)}: none`,
  );
}

/** The kubelet starts containers in the spec's order, and the next only when the postStart hook of the last is done. */
function warnOfPostStart(
  part: Planned,
  parts: readonly Planned[],
  order: Order,
  warn: (text: string) => void,
): void {
  const { name, index } = part.container;
  const waitsFor = awaitedBy(part, order);
  const later = parts.find(({ container }) => container.index > index && waitsFor.includes(container.name))
    ?.container.name;
  if (later !== undefined)
    warn(
      `${part.role} ${name}: its postStart hook runs before container ${later} is created, which ${name} waits for: ` +
        `a hook that needs ${name} running never ends; list ${later} first`,
    );
  else if (part.role === 'main')
    warn(`main ${name}: its postStart hook may run while it still waits for its sidecars`);
}
