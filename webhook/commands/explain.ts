/**
 * `curfew explain`: what would happen to the pods of manifests, and why.
 */
import { styleText } from 'node:util';
import type { Mutation } from '../decision/mutation.ts';
import { INJECTION_ENABLED, INJECTION_LABEL } from '../decision/vocabulary.ts';
import type { Verdict } from '../manifest/judge.ts';
import { UsageError } from '../shared/usage-error.ts';
import { commandsAsWritten, costOf, saysCommand } from './explanation.ts';
import { readManifests } from './manifest-input.ts';
import { MANIFEST_EXIT_CODES, MANIFEST_FLAGS, MANIFEST_OPTIONS, parseTemplates } from './manifest-options.ts';
import { describe, ManifestReport } from './manifest-report.ts';
import { offlineImages } from './offline-images.ts';
import { offlinePolicy } from './offline-policy.ts';
import { parseOptions } from './options.ts';
import { printable, type Terminal } from './terminal.ts';

export const summary = 'say what would happen to the pods of manifests, and why';

export const usage = () => `curfew explain -f FILE [-f FILE ...] [flags]

Say for each pod of the manifests what the webhook would do with it and why: which container is a main and which a
sidecar, what each runs and what it waits for, what the pod pays for it, and what is still to be done. Nothing is changed.

${MANIFEST_FLAGS}
  -o, --output FORMAT    text (default) or json

Images are looked up with your own docker credentials (DOCKER_CONFIG, else ~/.docker/config.json).

Exit code 0; 1 when a pod would be refused;
${MANIFEST_EXIT_CODES}

JSON: {"pods": [{"file", "document", "kind", "name", "namespace", "outcome": "wrapped" | "converted" | "unchanged" |
"refused", "reason", "message", "mode": "shim" | "native" | null, "modeWhy", "operations", "warnings": [], "containers": [{"name", "role": "main" | "sidecar", "why", "ready", "command": [],
"byMachine": [{"machine", "command": []}] (where machines differ)}]}]}
`;

/** Its flags; what completion offers beside. */
export const options = {
  ...MANIFEST_OPTIONS,
  output: { type: 'string', short: 'o', default: 'text', choices: ['text', 'json'] },
} as const;

type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/** Explain. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('explain', args, options);
  if (flags.output !== 'text' && flags.output !== 'json') {
    throw new UsageError(
      `--output ${JSON.stringify(flags.output.slice(0, 64))} is not allowed; it is text or json`,
    );
  }
  const templates = parseTemplates(flags['pod-template']);
  const [policy, { explain }] = await Promise.all([
    offlinePolicy(flags.config, flags['shim-image'], flags),
    import('../manifest/injection.ts'),
  ]);
  const images = offlineImages(flags.config, flags['no-lookup'] !== true);
  const report = new ManifestReport(terminal, true);
  const found: { file: string; verdict: Verdict }[] = [];
  try {
    for await (const { name, text } of readManifests(flags.filename, flags.recursive === true, terminal)) {
      report.open(name, text);
      for await (const step of explain(text, { policy, images, templates }))
        if (step.kind !== 'verdict') report.add(step);
        else {
          report.sawPod(step.verdict);
          found.push({ file: name, verdict: step.verdict });
        }
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
    const why = await report.whyNoPod();
    terminal.print(
      why === undefined ? [...texts, ...toDo(found, flags.mode)].join('\n') : `${printable(why)}\n`,
    );
  }
  return report.exitCode;
}

function jsonOf(file: string, verdict: Verdict): object {
  const { document, pod, mutation } = verdict;
  return {
    file,
    document,
    kind: pod.kind,
    name: pod.name,
    namespace: pod.namespace,
    outcome: mutation.outcome,
    reason: mutation.reason,
    message: mutation.message,
    mode: mutation.mode ?? null,
    modeWhy: mutation.modeWhy ?? null,
    operations: mutation.operations.length,
    warnings: mutation.warnings,
    containers: commandsAsWritten(verdict).map(({ name, role, why, ready, command, byMachine }) => ({
      name,
      role,
      why,
      ready: ready ?? null,
      command,
      ...(byMachine === undefined ? {} : { byMachine }),
    })),
  };
}

const OUTCOME_STYLES: Record<Mutation['outcome'], 'green' | 'dim' | 'red'> = {
  wrapped: 'green',
  converted: 'green',
  unchanged: 'dim',
  refused: 'red',
};

function textOf(file: string, verdict: Verdict, paint: Paint): string {
  const { mutation, unknownCommands } = verdict;
  const lines = [
    paint('bold', printable(describe(file, verdict))),
    `  ${paint(OUTCOME_STYLES[mutation.outcome], mutation.outcome)} (${mutation.reason}): ${printable(mutation.message)}`,
  ];
  if (mutation.mode !== undefined)
    lines.push(
      `  mode    ${mutation.mode}${mutation.modeWhy === undefined ? '' : `: ${printable(mutation.modeWhy)}`}`,
    );
  for (const { name, role, why, ready, command, byMachine } of commandsAsWritten(verdict)) {
    lines.push(`  ${paint('cyan', role.padEnd(7))} ${paint('bold', printable(name))}`);
    lines.push(`          why    ${printable(why)}`);
    if (ready !== undefined) lines.push(`          ready  ${printable(ready)}`);
    if (mutation.mode === 'native' && !saysCommand(verdict, name))
      lines.push(`          runs   ${printable(ofImage(command))}`);
    else if (byMachine === undefined && command.length > 0)
      lines.push(`          runs   ${printable(shorten(command))}`);
    for (const own of byMachine ?? [])
      lines.push(`          runs   on ${own.machine}: ${printable(shorten(own.command))}`);
  }
  for (const unknown of unknownCommands) lines.push(`  ${paint('yellow', 'unknown')} ${printable(unknown)}`);
  for (const warning of mutation.warnings)
    lines.push(`  ${paint('yellow', 'warning')} ${printable(warning)}`);
  for (const cost of costOf(verdict)) lines.push(`  ${paint('dim', 'cost')}    ${printable(cost)}`);
  return `${lines.join('\n')}\n`;
}

/** What a cluster needs besides, where it changes any of the pods. @param mode the flag */
function toDo(found: readonly { verdict: Verdict }[], mode: string | undefined): string[] {
  const wrapped = found.filter(({ verdict }) => CHANGED.has(verdict.mutation.outcome));
  const names = [...new Set(wrapped.map(({ verdict }) => verdict.pod.namespace || 'NAMESPACE'))];
  if (names.length === 0) return [];
  const commands = names.map(
    (name) =>
      `  kubectl label namespace ${printable(name)} ${INJECTION_LABEL}=${mode ?? INJECTION_ENABLED}\n`,
  );
  return [
    `The webhook does this only in a namespace that is labelled (curfew inject needs no label):\n${commands.join('')}`,
  ];
}

const CHANGED: ReadonlySet<Mutation['outcome']> = new Set<Mutation['outcome']>(['wrapped', 'converted']);

/** Words of a command are shown whole up to here; a script of a hundred lines is not what is asked for. */
const MAX_COMMAND = 200;

/** What runs natively where the spec gives no command: no image is looked up, and the spec's words alone are no command. */
function ofImage(args: readonly string[]): string {
  return args.length === 0 ? "its image's command" : `its image's ENTRYPOINT with ${shorten(args)}`;
}

function shorten(command: readonly string[]): string {
  const text = JSON.stringify(command);
  return text.length <= MAX_COMMAND ? text : `${text.slice(0, MAX_COMMAND)}...`;
}
