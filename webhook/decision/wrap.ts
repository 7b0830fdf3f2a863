import { othersWords } from '../../shim/machine-words.ts';
import { BIN_DIR, formatReadiness, RUN_DIR, SHIM_PATH, shimFlags } from '../../shim/protocol.ts';
import { member } from '../shared/json.ts';
import { addedDefaultContainer, authorsDefaultContainer, DEFAULT_CONTAINER } from './default-container.ts';
import { type Command, resolveCommand } from './entrypoint.ts';
import type { ImageAnswer } from './images.ts';
import { type InstallContainer, installContainer, type Mount } from './install.ts';
import { SAFE_TO_EVICT, safeToEvict } from './local-volumes.ts';
import { type MutatedContainer, type NotWrapped, refuseOrPass } from './mutation.ts';
import type { Plan } from './plan.ts';
import type { Policy } from './policy.ts';
import { containerOptions } from './shim-options.ts';
import { areAnnotationsTooLong, formatStatus, type WrappedContainer } from './status.ts';
import { BIN_VOLUME, RUN_VOLUME, STATUS } from './vocabulary.ts';

/** The fields that are ours in a wrapped pod, as they must read. */
export interface Desired {
  install: InstallContainer;
  /** In the order of spec.containers. */
  containers: readonly { command: readonly string[]; args: readonly string[] }[];
  /** By key; undefined: absent. */
  annotations: Readonly<Record<string, unknown>>;
  report: MutatedContainer[];
}

/** The mounts of every wrapped container. Fresh objects each time, because applying a patch puts its values into a document. */
export function containerMounts(): Mount[] {
  return [
    { name: BIN_VOLUME, mountPath: BIN_DIR, readOnly: true },
    { name: RUN_VOLUME, mountPath: RUN_DIR },
  ];
}

/**
 * Resolve every container's command, and write down how a wrapped pod's own fields must read.
 * @param images answers, by the container's name
 * @param warn W8: what a hook, a probe or a wish loses under the shim
 */
export function wrap(
  plan: Plan,
  policy: Policy,
  images: ReadonlyMap<string, ImageAnswer>,
  warn: (text: string) => void,
): Desired | NotWrapped {
  const { pod, earlier, decision, parts, order } = plan;
  const { asks } = decision.wishes;
  const preStop = parts.filter(({ details }) => details.hasPreStop).map(({ container }) => container.name);
  const containers: Desired['containers'][number][] = [];
  const report: MutatedContainer[] = [];
  const kept: WrappedContainer[] = [];
  for (const part of parts) {
    const { name } = part.container;
    const { role, why, sources, gate, authored } = part;
    const command = resolveCommand(sources, images.get(name));
    if (!command.ok) return refuseOrPass(asks, command);
    const options = containerOptions(pod, decision, part, preStop, command, warn);
    const ready = role === 'sidecar' ? { ready: formatReadiness(options.ready) } : {};
    report.push({ name, role, ...reported(command), ...ready, why });
    containers.push({ command: [SHIM_PATH, ...shimFlags(options)], args: command.words });
    const startupProbe = gate && member(authored, 'startupProbe');
    kept.push({ name, role, original: sources.original, words: command.words, startupProbe });
  }
  const author = pod.containers.map(({ name }) => name);
  const isMoved = author.some((name, i) => name !== order[i]);
  const defaultContainer = addedDefaultContainer(pod, earlier, order);
  const annotations = {
    [DEFAULT_CONTAINER]: defaultContainer ?? authorsDefaultContainer(pod, earlier),
    [SAFE_TO_EVICT]: safeToEvict(pod, earlier),
    [STATUS]: formatStatus(policy.version, kept, {
      ...(isMoved ? { order: { author, written: order } } : {}),
      ...(defaultContainer === undefined ? {} : { defaultContainer }),
      ...(plan.why === undefined ? {} : { mode: 'shim', why: plan.why }),
    }),
  };
  if (areAnnotationsTooLong(pod, annotations))
    return refuseOrPass(asks, {
      reason: 'status-too-long',
      message: `the commands of the pod's containers are too long to be kept in annotation ${STATUS} (256 KiB with all others): move a long script into a ConfigMap`,
    });
  return { install: installContainer(pod, order, policy), containers, annotations, report };
}

/** The command as a report shows it: the first machine's, and each machine's where they differ. */
function reported({
  words,
  byMachine = [],
}: Extract<Command, { ok: true }>): Pick<MutatedContainer, 'command' | 'byMachine'> {
  const all = byMachine.map(({ machine }) => {
    const command = [...words];
    for (const [at, count] of othersWords(byMachine, machine)) command.splice(at, count);
    return { machine, command };
  });
  const [first] = all;
  return first === undefined ? { command: [...words] } : { command: first.command, byMachine: all };
}
