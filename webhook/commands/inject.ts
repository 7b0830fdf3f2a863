/**
 * `curfew inject`: what the webhook does, to files.
 */

import { readManifests } from './manifest-input.ts';
import { MANIFEST_EXIT_CODES, MANIFEST_FLAGS, MANIFEST_OPTIONS, parseTemplates } from './manifest-options.ts';
import { ManifestReport } from './manifest-report.ts';
import { offlineImages } from './offline-images.ts';
import { offlinePolicy } from './offline-policy.ts';
import { parseOptions } from './options.ts';
import type { Terminal } from './terminal.ts';

export const summary = 'do to the pods of manifests what the webhook does, without a cluster';

export const usage = () => `curfew inject -f FILE [-f FILE ...] [flags]

Read manifests, YAML or JSON, do to their pods what the webhook would, and write all of them to standard output.
Pod, Job, CronJob, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, PodTemplate and List are
looked into. A document without a change stays byte for byte; in the others every comment stays, and what does not
change stays as it is written. Where that cannot be, a warning says which document was written anew.

${MANIFEST_FLAGS}
  -q, --quiet            say only what was refused, what is wrong, and warnings

Images are looked up with your own docker credentials (DOCKER_CONFIG, else ~/.docker/config.json).
What was done to each pod, or why not, goes to standard error, a line each. Exit code 0; 1 when a pod is refused, and
then nothing is written to standard output, so that no half of it is applied;
${MANIFEST_EXIT_CODES}
With 2 nothing is written, with 3 all of it: the document that cannot be read as it is.

  curfew inject -f job.yaml | kubectl apply -f -
`;

/** Its flags; what completion offers beside. */
export const options = { ...MANIFEST_OPTIONS, quiet: { type: 'boolean', short: 'q' } } as const;

/** Inject. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('inject', args, options);
  const templates = parseTemplates(flags['pod-template']);
  const [policy, { inject }] = await Promise.all([
    offlinePolicy(flags.config, flags['shim-image'], flags),
    import('../manifest/injection.ts'),
  ]);
  const images = offlineImages(flags.config, flags['no-lookup'] !== true);
  const report = new ManifestReport(terminal, flags.quiet === true);
  const output = new Stream();
  try {
    for await (const { name, text } of readManifests(flags.filename, flags.recursive === true, terminal)) {
      report.open(name, text);
      output.open(text);
      for await (const step of inject(text, { policy, images, templates })) {
        if (step.kind === 'text') output.add(step.text);
        else report.add(step);
      }
    }
  } finally {
    images.close();
  }
  await report.end();
  if (report.exitCode === 0 || report.exitCode === 3) terminal.print(output.parts.join(''));
  return report.exitCode;
}

/** Several files as one stream; one file stays as it is. */
export class Stream {
  readonly parts: string[] = [];
  private tail = '';

  /** A file begins. @param text the whole of it */
  open(text: string): void {
    if (this.parts.length === 0) return;
    if (this.tail !== '' && !this.tail.endsWith('\n')) this.add('\n');
    const separated =
      this.tail === '' || /^\uFEFF?(---|%)/.test(text) || /(^|\n)---[ \t\r]*\n$/.test(this.tail);
    if (!separated) this.add('---\n');
  }

  add(text: string): void {
    this.parts.push(text);
    if (text !== '') this.tail = (this.tail + text.slice(-20)).slice(-20);
  }
}
