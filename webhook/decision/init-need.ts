import { isRecord, isTexts, member } from '../shared/json.ts';
import type { Plan } from './plan.ts';
import type { PlannedPart } from './planned-part.ts';
import type { InitContainerView } from './pod.ts';
import { INSTALL_CONTAINER } from './vocabulary.ts';

/**
 * An init container that connects to a sidecar hangs or fails, because regular containers start after all init containers. It is seen
 * where a word of its command or a literal variable names the sidecar's port, and one names this pod as the host.
 */
export function warnOfInitNeeds({ pod, parts }: Plan, warn: (text: string) => void): void {
  const inits = pod.initContainers.filter(({ name, native }) => !native && name !== INSTALL_CONTAINER);
  if (inits.length === 0) return;
  for (const sidecar of parts.filter(({ role }) => role === 'sidecar')) {
    const ports = portsOf(sidecar);
    for (const init of inits) {
      const port = findPort(wordsOf(init), ports);
      if (port === undefined) continue;
      warn(
        `init container ${init.name}: it seems to connect to port ${port} of sidecar ${sidecar.container.name}, which starts after all ` +
          'init containers: it hangs or fails, as without Curfew; let a main do its work first',
      );
    }
  }
}

/** `--port=5432`, `--port 5432`, `-p 5432`, `?port=5432`, `--proxy-port=8000`, `tcp:5432`, `tcp:0.0.0.0:5432`. */
const PORT_ARGUMENT = /(?:port[= ]| -p |tcp:(?:[\d.]+:)?)(\d{1,5})(?!\d)/g;

/** The TCP ports that a sidecar declares or that its own command and args give. */
function portsOf({ details, sources: { original } }: PlannedPart): Set<string> {
  const words = [...(original.command ?? []), ...(original.args ?? [])].join(' ');
  const given = [...words.matchAll(PORT_ARGUMENT)].map(([, port = '']) => port);
  return new Set([...[...details.tcpPorts].map(String), ...given]);
}

/** The container's command, args and the literal values of its variables. */
function wordsOf({ raw }: InitContainerView): string[] {
  const env = member(raw, 'env');
  const values = (Array.isArray(env) ? env : []).map((one) =>
    isRecord(one) ? member(one, 'value') : undefined,
  );
  const lists = [member(raw, 'command'), member(raw, 'args')].flatMap((list) => (isTexts(list) ? list : []));
  return [...lists, ...values.filter((value) => typeof value === 'string')];
}

function findPort(words: readonly string[], ports: ReadonlySet<string>): string | undefined {
  if (ports.size === 0 || !words.some((word) => /localhost|127\.0\.0\.1|\[?::1\b/.test(word)))
    return undefined;
  return words
    .flatMap((word) => word.match(/(?<![\d.])\d{1,5}(?![\d.])/g) ?? [])
    .find((number) => ports.has(number));
}
