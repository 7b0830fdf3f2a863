/**
 * `npm run demo`: a migration Job with a database proxy, with Curfew and without, on this machine alone.
 * Exits 0 only if the pod with Curfew ended by itself with its main's code, and the one without did not.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { parse } from 'yaml';
import { LocalPod, type Places } from './local-pod.ts';
import { startWebhook } from './local-webhook.ts';
import { describePatch } from './patch-view.ts';
import { bold, dim, Timeline } from './timeline.ts';

const HERE = import.meta.dirname;
const DIST = join(HERE, '../../dist');
const ARCHITECTURE = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
const MAIN = 'migrate';
const SIDECAR = 'cloud-sql-proxy';
/** How long the demo waits for a pod to end. */
const TIMEOUT_MS = 60_000;
/** How long the demo then watches the sidecar without Curfew, which does not end. */
const WATCH_MS = 4_000;

const places: Places = { shim: join(DIST, `curfew-shim-${ARCHITECTURE}`), programs: join(HERE, 'programs') };

async function main(): Promise<number> {
  const job: V1Job = parse(await readFile(join(HERE, 'job.yaml'), 'utf8'));
  const pod: V1Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...job.spec?.template.metadata, generateName: `${job.metadata?.name}-` },
    ...(job.spec?.template.spec === undefined ? {} : { spec: job.spec.template.spec }),
  };

  console.log(bold('\n1. The real webhook reviews the pod of examples/database-migration/job.yaml\n'));
  const injected = await review(pod);

  console.log(bold('\n2. The pod with Curfew: its containers as local processes under the real shim\n'));
  const withCurfew = await runPod(injected);

  console.log(bold('\n3. The same pod without Curfew, cut off in the end\n'));
  const without = await runPod(pod);

  const good =
    withCurfew.main === 0 && withCurfew.sidecar === 0 && without.main === 0 && without.sidecar === undefined;
  console.log(bold('\nWhat was seen\n'));
  console.log(`  with Curfew     ${verdict(withCurfew)}`);
  console.log(`  without Curfew  ${verdict(without)}`);
  if (!good) console.log(bold('\nThis is not what the demo is to show.'));
  else
    console.log(
      `\nOn a cluster: label a namespace with ${bold('curfew.dev/injection=enabled')}. See README.md.\n`,
    );
  return good ? 0 : 1;
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

interface Outcome {
  /** Exit codes; undefined: it did not end. */
  main: number | undefined;
  sidecar: number | undefined;
}

async function runPod(pod: V1Pod): Promise<Outcome> {
  const names = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
    ({ name }) => name,
  );
  const timeline = new Timeline(names);
  const local = new LocalPod(pod, places, timeline);
  try {
    await local.start();
    const code = await local.ended(MAIN, TIMEOUT_MS);
    const sidecar = await local.ended(SIDECAR, WATCH_MS);
    if (sidecar === undefined) {
      timeline.event(SIDECAR, `still runs ${WATCH_MS / 1000} s later, and would for ever`);
    }
    return { main: code, sidecar };
  } finally {
    await local.remove();
    await pause(0);
  }
}

function verdict({ main: code, sidecar }: Outcome): string {
  const work = code === undefined ? 'the migration did not end' : `the migration ended with code ${code}`;
  return sidecar === undefined
    ? `${work}; the proxy never ended: the Job hangs`
    : `${work}; the proxy ended by itself with code ${sidecar}: the Job is complete`;
}

process.exitCode = await main();
