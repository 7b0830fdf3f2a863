/**
 * `curfew inject`: what the webhook does, to files.
 */

import type { Injection, Verdict } from '../manifest/injection.ts';
import type { ManifestInput } from './manifest-input.ts';
import { offlineImages } from './offline-images.ts';
import { offlinePolicy } from './offline-policy.ts';
import { parseOptions } from './options.ts';
import { printable, type Terminal } from './terminal.ts';

export const summary = 'wrap the pods of manifests, without a cluster';

export const usage = () => `curfew inject -f FILE [-f FILE ...] [flags]

Read manifests, YAML or JSON, do to their pods what the webhook would, and write all of them to standard output.
Pod, Job, CronJob, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, PodTemplate and List are
looked into. What does not change stays byte for byte, and comments stay where they are.

  -f, --filename FILE    a file; - is standard input; may be given several times
  --shim-image IMAGE     image of the shim
  --config FILE          the webhook's configuration: its shim, catalogue and images keys count here too
  --no-lookup            ask no registry for the command of a container that sets none

Images are looked up with your own docker credentials (DOCKER_CONFIG, else ~/.docker/config.json).
Warnings, and why a pod is refused, go to standard error. Exit code 0; 1 when a pod is refused, and then nothing is
written to standard output, so that no half of it is applied; 2 when an argument or a file cannot be used.

  curfew inject -f job.yaml | kubectl apply -f -
`;

const OPTIONS = {
  filename: { type: 'string', short: 'f', multiple: true },
  'shim-image': { type: 'string' },
  config: { type: 'string' },
  'no-lookup': { type: 'boolean' },
} as const;

/** Inject. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('inject', args, OPTIONS);
  const { readManifests } = await import('./manifest-input.ts');
  const [inputs, policy, { injectManifests }] = await Promise.all([
    readManifests(flags.filename, terminal),
    offlinePolicy(flags.config, flags['shim-image']),
    import('../manifest/injection.ts'),
  ]);
  const images = offlineImages(flags.config, flags['no-lookup'] !== true);
  const injections: Injection[] = [];
  try {
    for (const { text, name } of inputs) injections.push(await injectManifests(text, name, policy, images));
  } finally {
    images.close();
  }
  if (injections.every(({ verdicts }) => verdicts.length === 0)) {
    const { whyNoPod } = await import('../manifest/oversight.ts');
    const values = injections.flatMap(({ documents }) => documents.map(({ value }) => value));
    terminal.complain(printable(`warning: ${whyNoPod(values)}`));
  }
  let refused = false;
  for (const [index, injection] of injections.entries()) {
    for (const line of complaints(inputs[index]?.name ?? '', injection)) terminal.complain(printable(line));
    refused ||= injection.verdicts.some(({ mutation }) => mutation.outcome === 'refused');
  }
  if (refused) return 1;
  terminal.print(joinStreams(injections.map(({ text }) => text)));
  return 0;
}

function* complaints(source: string, { verdicts, rewritten }: Injection): Generator<string> {
  for (const verdict of verdicts) {
    const where = describe(source, verdict);
    if (verdict.mutation.outcome === 'refused') yield `${where}: refused: ${verdict.mutation.message}`;
    if (verdict.mutation.reason === 'invalid-pod')
      yield `${where}: warning: left as it is, and the API server will refuse it: ${verdict.mutation.message}`;
    for (const warning of verdict.mutation.warnings) yield `${where}: warning: ${warning}`;
  }
  for (const number of rewritten) {
    yield `${source}: document ${number}: warning: it was written anew, its comments are lost`;
  }
}

/** @example 'job.yaml: document 2, Job/migrate' */
export function describe(source: ManifestInput['name'], { document, pod }: Verdict): string {
  return `${source}: document ${document}, ${pod.kind}/${pod.name}`;
}

/** Several files become one stream; one file stays as it is. */
export function joinStreams(texts: readonly string[]): string {
  let all = texts[0] ?? '';
  for (const text of texts.slice(1)) {
    if (all !== '' && !all.endsWith('\n')) all += '\n';
    const separated = all === '' || /^\uFEFF?(---|%)/.test(text) || /(^|\n)---\s*\n$/.test(all);
    all += separated ? text : `---\n${text}`;
  }
  return all;
}
