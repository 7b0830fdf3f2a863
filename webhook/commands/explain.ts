/**
 * `curfew explain`: what would happen to the pods of manifests, and why.
 */
import { styleText } from 'node:util';
import type { Verdict } from '../manifest/injection.ts';
import { UsageError } from '../shared/usage-error.ts';
import { describe } from './inject.ts';
import { offlineImages } from './offline-images.ts';
import { offlinePolicy } from './offline-policy.ts';
import { parseOptions } from './options.ts';
import { printable, type Terminal } from './terminal.ts';

export const summary = 'say what would happen to the pods of manifests, and why';

export const usage = () => `curfew explain -f FILE [-f FILE ...] [flags]

Say for each pod of the manifests what the webhook would do with it and why: who is a main, who a sidecar, what each
runs and what it waits for. Nothing is changed.

  -f, --filename FILE    a file; - is standard input; may be given several times
  -o, --output FORMAT    text (default) or json
  --shim-image IMAGE     image of the shim
  --config FILE          the webhook's configuration: its shim, catalogue and images keys count here too
  --no-lookup            ask no registry for the command of a container that sets none

Images are looked up with your own docker credentials (DOCKER_CONFIG, else ~/.docker/config.json).

Exit code 0; 1 when a pod would be refused; 2 when an argument or a file cannot be used.

JSON: {"pods": [{"file", "document", "kind", "name", "namespace", "outcome": "wrapped" | "unchanged" | "refused", "reason",
"message", "operations", "warnings": [], "containers": [{"name", "role": "main" | "sidecar", "why", "ready", "command": [],
"byMachine": [{"machine", "command": []}] (where machines differ)}]}]}
`;

const OPTIONS = {
  filename: { type: 'string', short: 'f', multiple: true },
  output: { type: 'string', short: 'o', default: 'text' },
  'shim-image': { type: 'string' },
  config: { type: 'string' },
  'no-lookup': { type: 'boolean' },
} as const;

type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/** Explain. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('explain', args, OPTIONS);
  if (flags.output !== 'text' && flags.output !== 'json') {
    throw new UsageError(
      `--output ${JSON.stringify(flags.output.slice(0, 64))} is not allowed; it is text or json`,
    );
  }
  const { readManifests } = await import('./manifest-input.ts');
  const [inputs, policy, { parseManifests }, { judge }, { whyNoPod }] = await Promise.all([
    readManifests(flags.filename, terminal),
    offlinePolicy(flags.config, flags['shim-image']),
    import('../manifest/manifest.ts'),
    import('../manifest/injection.ts'),
    import('../manifest/oversight.ts'),
  ]);
  const images = offlineImages(flags.config, flags['no-lookup'] !== true);
  const found: { file: string; verdict: Verdict }[] = [];
  const values: unknown[] = [];
  try {
    for (const { name, text } of inputs)
      for (const document of parseManifests(text, name)) {
        values.push(document.value);
        for (const verdict of await judge(document, policy, images)) found.push({ file: name, verdict });
      }
  } finally {
    images.close();
  }
  if (flags.output === 'json') {
    const pods = found.map(({ file, verdict }) => jsonOf(file, verdict));
    terminal.print(`${JSON.stringify({ pods }, null, 2)}\n`);
  } else {
    const paint: Paint = terminal.colours
      ? (style, text) => styleText(style, text, { validateStream: false })
      : (_style, text) => text;
    const texts = found.map(({ file, verdict }) => textOf(file, verdict, paint));
    terminal.print(texts.length === 0 ? `${printable(whyNoPod(values))}\n` : texts.join('\n'));
  }
  return found.some(({ verdict }) => verdict.mutation.outcome === 'refused') ? 1 : 0;
}

function jsonOf(file: string, { document, pod, mutation }: Verdict): object {
  return {
    file,
    document,
    kind: pod.kind,
    name: pod.name,
    namespace: pod.namespace,
    outcome: mutation.outcome,
    reason: mutation.reason,
    message: mutation.message,
    operations: mutation.operations.length,
    warnings: mutation.warnings,
    containers: mutation.containers.map(({ name, role, why, ready, command, byMachine }) => ({
      name,
      role,
      why,
      ready: ready ?? null,
      command,
      ...(byMachine === undefined ? {} : { byMachine }),
    })),
  };
}

const OUTCOME_STYLES = { wrapped: 'green', unchanged: 'dim', refused: 'red' } as const;

function textOf(file: string, verdict: Verdict, paint: Paint): string {
  const { mutation } = verdict;
  const lines = [
    paint('bold', printable(describe(file, verdict))),
    `  ${paint(OUTCOME_STYLES[mutation.outcome], mutation.outcome)} (${mutation.reason}): ${printable(mutation.message)}`,
  ];
  for (const { name, role, why, ready, command, byMachine } of mutation.containers) {
    lines.push(`  ${paint('cyan', role.padEnd(7))} ${paint('bold', printable(name))}`);
    lines.push(`          why    ${printable(why)}`);
    if (ready !== undefined) lines.push(`          ready  ${printable(ready)}`);
    if (byMachine === undefined) lines.push(`          runs   ${printable(shorten(command))}`);
    for (const own of byMachine ?? [])
      lines.push(`          runs   on ${own.machine}: ${printable(shorten(own.command))}`);
  }
  for (const warning of mutation.warnings)
    lines.push(`  ${paint('yellow', 'warning')} ${printable(warning)}`);
  return `${lines.join('\n')}\n`;
}

/** Words of a command are shown whole up to here; a script of a hundred lines is not what is asked for. */
const MAX_COMMAND = 200;

function shorten(command: readonly string[]): string {
  const text = JSON.stringify(command);
  return text.length <= MAX_COMMAND ? text : `${text.slice(0, MAX_COMMAND)}...`;
}
