/** What `curfew explain` says beyond the decision itself. Pure. */

import type { MutatedContainer } from '../decision/mutation.ts';
import { INSTALL_CONTAINER } from '../decision/vocabulary.ts';
import type { Verdict } from '../manifest/judge.ts';
import { isRecord, isTexts, member } from '../shared/json.ts';
import type { Operation } from '../shared/operations.ts';
import { brief } from '../shared/wording.ts';

/**
 * The containers of a pod, with their commands as a person wrote them: what comes from an image stands in a pod with every `$(` as `$$(`,
 * because the kubelet would expand it (W5).
 */
export function commandsAsWritten({ pod, mutation }: Verdict): MutatedContainer[] {
  const own = new Map(containersOf(pod.pod).map((container) => [member(container, 'name'), container]));
  return mutation.containers.map((container) => {
    const raw = own.get(container.name);
    const command = raw === undefined ? undefined : member(raw, 'command');
    if (isTexts(command) && command.length > 0) return container;
    const args = raw === undefined ? undefined : member(raw, 'args');
    const ofImage = (words: readonly string[]) => words.length - (isTexts(args) ? args.length : 0);
    const shown = (words: string[]) =>
      words.map((word, index) => (index < ofImage(words) ? unescaped(word) : word));
    return {
      ...container,
      command: shown(container.command),
      ...(container.byMachine === undefined
        ? {}
        : { byMachine: container.byMachine.map((each) => ({ ...each, command: shown(each.command) })) }),
    };
  });
}

/** Does a container's spec say its command, so that its image's ENTRYPOINT does not count? */
export function saysCommand({ pod }: Verdict, name: string): boolean {
  const raw = containersOf(pod.pod).find((container) => member(container, 'name') === name);
  const command = raw === undefined ? undefined : member(raw, 'command');
  return isTexts(command) && command.length > 0;
}

/** The kubelet's own way: two `$` are one. */
function unescaped(word: string): string {
  return word.replaceAll('$$', '$');
}

function containersOf(pod: unknown): readonly Record<string, unknown>[] {
  const spec = isRecord(pod) ? member(pod, 'spec') : undefined;
  const list = isRecord(spec) ? member(spec, 'containers') : undefined;
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

/** What a pod pays for what is done to it: a sentence each. Nothing for a pod that stays as it is. */
export function costOf({ pod, mutation }: Verdict): string[] {
  if (mutation.outcome === 'converted')
    return [
      `a main starts after ${sidecarsOf(mutation)}, not at once`,
      'tools that look at spec.containers alone do not see the sidecars (kubectl top, some autoscalers and cost tools)',
    ];
  if (mutation.outcome !== 'wrapped') return [];
  const install = mutation.operations.flatMap(installOf)[0];
  const spec = member(pod.pod, 'spec');
  const grace = isRecord(spec) ? (member(spec, 'terminationGracePeriodSeconds') ?? 30) : 30;
  const seconds = typeof grace === 'number' ? Math.max(grace, 1) : 30;
  return [
    ...(install === undefined
      ? []
      : [`one init container more, ${INSTALL_CONTAINER}${amountsOf(install)}, and two emptyDir volumes`]),
    'process 1 of each container is the shim, which starts what the container ran',
    `a main starts after ${sidecarsOf(mutation)}, not at once`,
    `on deletion the mains have ${seconds - reserveOf(seconds)} s of the grace period of ${seconds} s: the rest is the sidecars'`,
  ];
}

function sidecarsOf({ containers }: Verdict['mutation']): string {
  return brief(containers.filter(({ role }) => role === 'sidecar').map(({ name }) => name));
}

/** L12: 2 s, or a quarter of a grace period shorter than 8 s. */
function reserveOf(seconds: number): number {
  return seconds < 8 ? seconds / 4 : 2;
}

function installOf(operation: Operation): Record<string, unknown>[] {
  if (operation.op !== 'add' || !operation.path.startsWith('/spec/initContainers')) return [];
  const value: unknown = Array.isArray(operation.value) ? operation.value[0] : operation.value;
  return isRecord(value) && value.name === INSTALL_CONTAINER ? [value] : [];
}

function amountsOf(install: Record<string, unknown>): string {
  const resources = member(install, 'resources');
  const requests = isRecord(resources) ? member(resources, 'requests') : undefined;
  if (!isRecord(requests)) return '';
  return ` (requests ${Object.entries(requests)
    .map(([name, amount]) => `${name} ${String(amount)}`)
    .join(', ')})`;
}
