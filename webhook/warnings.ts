import type { Wishes } from './annotations.ts';
import type { Part } from './decide.ts';
import { type KnownSidecar, knownSidecar } from './known-sidecar.ts';
import type { PodView } from './pod.ts';
import { MAINS, SIDECARS } from './vocabulary.ts';
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
  parts: readonly Planned[],
  order: Order,
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
    } else if (details.hasPreStop)
      warn(`sidecar ${name}: its preStop hook runs when the pod is deleted, not at the end of the work`);
    if (details.hasPostStart) warnOfPostStart(part, parts, order, warn);
  }
}

/** The kubelet starts containers in the spec's order, and the next only when the postStart hook of the last is done. */
function warnOfPostStart(
  part: Planned,
  parts: readonly Planned[],
  order: Order,
  warn: (text: string) => void,
): void {
  const { name, index } = part.container;
  const waitsFor =
    part.role === 'main' ? order.sidecars : order.sidecars.slice(0, order.sidecars.indexOf(name));
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
