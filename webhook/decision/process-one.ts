import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { PlannedPart } from './planned-part.ts';
import type { PodView } from './pod.ts';

/** Where a container says what is run beside its command, and what a message calls it. */
const PLACES: readonly { path: readonly string[]; words: string }[] = [
  { path: ['startupProbe'], words: 'startup probe' },
  { path: ['livenessProbe'], words: 'liveness probe' },
  { path: ['readinessProbe'], words: 'readiness probe' },
  { path: ['lifecycle', 'postStart'], words: 'postStart hook' },
  { path: ['lifecycle', 'preStop'], words: 'preStop hook' },
];

/** A pid that is 1, and not the beginning of a longer word. */
const ONE = '1(?![\\w.:/-])';

/**
 * What names process 1 in a command line: `kill 1` with any options, the JDK's tools, `-p 1`, a parent that is 1, nsenter, and /proc/1. Its
 * standard descriptors and its environment are the container's under the shim too.
 */
const NAMES: readonly RegExp[] = [
  new RegExp(`\\bkill(?:\\s+-s\\s+\\w+|\\s+-\\S+)*\\s+${ONE}`),
  new RegExp(`\\b(?:jcmd|jstack|jmap|jinfo|jstat|jattach)\\b(?:\\s+-\\S+)*\\s+${ONE}`),
  new RegExp(`\\s(?:-p|--pid|-P|--parent|--ppid)(?:\\s+|=)?${ONE}`),
  new RegExp(`\\bnsenter\\b[^;&|]*\\s(?:-t|--target)(?:\\s+|=)?${ONE}`),
  /\/proc\/1(?![\w.-])(?!\/fd\/[0-2](?!\d)|\/environ\b)/,
];

/** W8: process 1 is the shim now, and not the command; a hook or probe that names it may mean something else. */
export function warnOfProcessOne(
  pod: PodView,
  { role, container }: PlannedPart,
  warn: (text: string) => void,
): void {
  // There process 1 is the sandbox's or the node's, with or without a shim.
  if (pod.hostPid || member(pod.spec, 'shareProcessNamespace') === true) return;
  const found = PLACES.filter(({ path }) => namesProcessOne(execAt(container.raw, path)));
  if (found.length === 0) return;
  warn(
    `${role} ${container.name}: its ${found.map(({ words }) => words).join(' and ')} ${found.length > 1 ? 'name' : 'names'} process 1, ` +
      'which is the shim: a signal to it is passed on to the command, anything else meets the shim; find the command by its name',
  );
}

function namesProcessOne(words: readonly string[]): boolean {
  const line = words.join(' ');
  return NAMES.some((pattern) => pattern.test(line));
}

/** The words of a probe's or hook's exec command; none where it has none, or where the API server will refuse it. */
function execAt(raw: JsonRecord, path: readonly string[]): readonly string[] {
  let at: unknown = raw;
  for (const key of [...path, 'exec', 'command']) at = isRecord(at) ? member(at, key) : undefined;
  return Array.isArray(at) ? at.filter((word) => typeof word === 'string') : [];
}
