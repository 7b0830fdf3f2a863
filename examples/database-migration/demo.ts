/**
 * `npm run demo`: a migration Job with a database proxy, with Curfew and without, on this machine alone.
 * Exits 0 only if the pod with Curfew ended by itself with its main's code, and the one without did not; 2 where it is called wrongly.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { parse } from 'yaml';
import { ArgumentError, runProgram } from '../../test/arguments.ts';
import { parseOptions, USAGE } from './demo-options.ts';
import { LocalPod, type Places } from './local-pod.ts';
import { startWebhook } from './local-webhook.ts';
import { nativeLine } from './native-line.ts';
import { describePatch } from './patch-view.ts';
import type { Deed, Recording, Run } from './recording.ts';
import { bold, dim, Timeline } from './timeline.ts';
import { timelinePage } from './timeline-page.ts';

const HERE = import.meta.dirname;
const DIST = join(HERE, '../../dist');
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';
const MAIN = 'migrate';
const SIDECAR = 'cloud-sql-proxy';
/** How long the demo waits for a pod to end. */
const TIMEOUT_MS = 60_000;
/** How long the demo then watches the sidecar without Curfew, which does not end. */
const WATCH_MS = 4_000;

const places: Places = { shim: join(DIST, `curfew-shim-${ARCHITECTURE}`), programs: join(HERE, 'programs') };

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const manifest = join(HERE, 'job.yaml');
  const job: V1Job = parse(await readFile(manifest, 'utf8'));
  const pod: V1Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...job.spec?.template.metadata, generateName: `${job.metadata?.name}-` },
    ...(job.spec?.template.spec === undefined ? {} : { spec: job.spec.template.spec }),
  };

  console.log(bold('\n1. The real webhook reviews the pod of examples/database-migration/job.yaml\n'));
  const injected = await review(pod);

  console.log(bold('\n2. The pod with Curfew: its containers as local processes under the real shim\n'));
  const withCurfew = await runPod('With Curfew', injected);

  console.log(bold('\n3. The same pod without Curfew, cut off in the end\n'));
  const without = await runPod('Without Curfew', pod);

  console.log(bold('\nWhat was seen\n'));
  for (const { title, verdict } of [withCurfew, without]) console.log(`  ${title.padEnd(14)}  ${verdict}`);
  const run: Run = { withCurfew, without };
  const native = nativeLine(join(DIST, 'curfew.js'), manifest);
  if (options.html !== undefined) await write(options.html, timelinePage(run, native), 'The page');
  if (options.record !== undefined)
    await write(options.record, `${JSON.stringify(run, null, 2)}\n`, 'The recording');
  if (!asPromised(run)) {
    console.log(bold('\nThis is not what the demo is to show.'));
    return 1;
  }
  console.log(
    `\nOn a cluster: label a namespace with ${bold('curfew.dev/injection=enabled')}. See README.md.`,
  );
  console.log(native);
  return 0;
}

/** The work succeeded in both pods; with Curfew the proxy left after it, and its shim told of each step; without it stayed. */
function asPromised({ withCurfew, without }: Run): boolean {
  const seen = (deed: Deed, container: string) =>
    withCurfew.events.some((event) => event.deed === deed && event.container === container);
  const told = seen('ready', SIDECAR) && seen('waiting', MAIN) && seen('running', MAIN);
  const codes = [withCurfew, without].flatMap(({ events }) =>
    events.filter(({ deed }) => deed === 'ended').map(({ code }) => code),
  );
  return withCurfew.complete && told && !without.complete && codes.every((code) => code === 0);
}

/** @throws {ArgumentError} where the file cannot be written */
async function write(file: string, content: string, what: string): Promise<void> {
  try {
    await mkdir(dirname(resolve(file)), { recursive: true });
    await writeFile(file, content);
  } catch (error) {
    throw new ArgumentError(`${what} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
  console.log(`\n${what}: ${pathToFileURL(resolve(file))}`);
}

/** Send the pod as the API server would, show the patch, and apply it. */
async function review(pod: V1Pod): Promise<V1Pod> {
  const webhook = await startWebhook(join(DIST, 'curfew.js'));
  try {
    const uid = randomUUID();
    console.log(`  POST ${webhook.url}  ${dim(`AdmissionReview ${uid}`)}`);
    const answer = await webhook.review({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid,
        kind: { group: '', version: 'v1', kind: 'Pod' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        namespace: 'shop',
        operation: 'CREATE',
        dryRun: false,
        object: pod,
      },
    });
    const { allowed, patch, warnings } = parseAnswer(answer);
    console.log(`  allowed: ${allowed}, ${patch.length} operations\n`);
    for (const warning of warnings) console.log(`  warning: ${warning}`);
    console.log(describePatch(pod, patch));
    // The patch is applied to a copy with validation on, so a wrong one fails here and not in the pod.
    return jsonPatch.applyPatch(pod, patch, true, false).newDocument;
  } finally {
    await webhook.stop();
  }
}

function parseAnswer(answer: unknown): { allowed: boolean; patch: Operation[]; warnings: string[] } {
  const { response } = Object(answer);
  if (response?.allowed !== true || typeof response.patch !== 'string') {
    throw new Error(`the webhook did not wrap the pod: ${JSON.stringify(answer)}`);
  }
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'));
  return { allowed: true, patch, warnings: response.warnings ?? [] };
}

async function runPod(title: string, pod: V1Pod): Promise<Recording> {
  const init = (pod.spec?.initContainers ?? []).map(({ name }) => ({ name, role: 'init' as const }));
  const own = (pod.spec?.containers ?? []).map(({ name }) => ({
    name,
    role: name === MAIN ? ('main' as const) : ('sidecar' as const),
  }));
  const containers = [...init, ...own];
  const timeline = new Timeline(containers.map(({ name }) => name));
  const local = new LocalPod(pod, places, timeline);
  try {
    await local.start();
    const code = await local.ended(MAIN, TIMEOUT_MS);
    const sidecar = await local.ended(SIDECAR, WATCH_MS);
    if (sidecar === undefined) {
      timeline.event(SIDECAR, 'unending', `still runs ${WATCH_MS / 1000} s later, and would for ever`);
    }
    return { title, ...judge(code, sidecar), containers, events: timeline.events };
  } finally {
    await local.remove();
    await pause(0);
  }
}

/** @param code the exit codes; undefined: it did not end */
function judge(
  code: number | undefined,
  sidecar: number | undefined,
): Pick<Recording, 'verdict' | 'outcome' | 'complete'> {
  const complete = code !== undefined && sidecar !== undefined;
  const outcome = complete ? 'the Job is complete' : 'the Job hangs';
  const work = code === undefined ? 'the migration did not end' : `the migration ended with code ${code}`;
  const rest =
    sidecar === undefined ? 'the proxy never ended' : `the proxy ended by itself with code ${sidecar}`;
  return { verdict: `${work}; ${rest}: ${outcome}`, outcome, complete };
}

await runProgram('examples/database-migration/demo.ts', main);
