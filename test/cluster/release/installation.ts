/** Curfew installed from a registry or from the release before, by Helm. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { IMAGES, readImage } from '../../../release/images.ts';
import { versionOf } from '../../../release/source.ts';
import { helm } from '../install/release.ts';
import { kubectl, mustKubectl, until } from '../kubectl.ts';
import { REGISTRY, releasesFolder } from './releases.ts';

const STATE = process.env.STATE ?? '';
export const RELEASES = releasesFolder(STATE);
export const VERSION = versionOf(join(import.meta.dirname, '..', '..', '..'));
const NAMESPACE = 'curfew-system';
const WAIT = ['--wait', '--timeout=120s'];

/** Of the release before, as its Chart.yaml says. */
export const PREVIOUS_VERSION =
  /^version: (\S+)$/m.exec(readFileSync(join(RELEASES.previous, 'chart', 'Chart.yaml'), 'utf8'))?.[1] ?? '';

/** How its images are called, which the node has loaded. */
const PREVIOUS_IMAGES = [
  ...['--set', `image.repository=localhost/curfew,image.tag=${PREVIOUS_VERSION},image.digest=`],
  ...[
    '--set',
    `shim.image.repository=localhost/curfew-shim,shim.image.tag=${PREVIOUS_VERSION},shim.image.digest=`,
  ],
];

/** Flags for the shim of the release before, to be set for this one's webhook. */
export const PREVIOUS_SHIM = PREVIOUS_IMAGES.slice(2);

/** Flags for this release's shim, to be set for the webhook of the one before. */
export function currentShim(): string[] {
  const name = 'curfew-shim';
  const { digest } = readImage(name, join(RELEASES.current, 'oci', name), VERSION);
  return ['--set', `shim.image.repository=${REGISTRY}/${name},shim.image.digest=${digest}`];
}

/** The digests that this release's chart must name. */
export function currentImages(): string[] {
  return IMAGES.map(
    ({ name }) =>
      `${REGISTRY}/${name}@${readImage(name, join(RELEASES.current, 'oci', name), VERSION).digest}`,
  );
}

async function must(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await helm('--namespace', NAMESPACE, ...args);
  if (code === 0) return stdout;
  const pods = await kubectl(['-n', NAMESPACE, 'describe', 'pods']);
  throw new Error(`helm ${args.join(' ')}: exit ${code}: ${stderr}\n${pods.stdout}`);
}

/** What the README says to do: this release's chart out of the registry, with its own values. */
export async function installCurrent(...flags: string[]): Promise<void> {
  await must('install', 'curfew', ...currentChart(), '--create-namespace', ...WAIT, ...flags);
}

export async function upgradeToCurrent(...flags: string[]): Promise<void> {
  await must('upgrade', 'curfew', ...currentChart(), '--reset-values', ...WAIT, ...flags);
  await oldOnesGone();
}

const currentChart = () => [`oci://${REGISTRY}/charts/curfew`, '--version', VERSION, '--plain-http'];

/** The chart of the release before, installed or upgraded to. */
export async function usePrevious(...flags: string[]): Promise<void> {
  const chart = ['--install', 'curfew', join(RELEASES.previous, 'chart'), '--create-namespace'];
  await must('upgrade', ...chart, '--reset-values', ...WAIT, ...PREVIOUS_IMAGES, ...flags);
  await oldOnesGone();
}

export async function rollback(revision: number): Promise<void> {
  await must('rollback', 'curfew', String(revision), ...WAIT);
  await oldOnesGone();
}

const PODS = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ deletionTimestamp: z.string().optional() }),
      spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
    }),
  ),
});

async function webhookPods() {
  const flags = ['-l', 'app.kubernetes.io/name=curfew', '-o', 'json'];
  return PODS.parse(JSON.parse(await mustKubectl(['-n', NAMESPACE, 'get', 'pods', ...flags]))).items;
}

/** The images of the webhook's pods. */
export async function webhookImages(): Promise<string[]> {
  return [...new Set((await webhookPods()).flatMap(({ spec }) => spec.containers.map(({ image }) => image)))];
}

/** Helm waits for the new replicas. The old ones answer until they have gone. */
async function oldOnesGone(): Promise<void> {
  await until('only new replicas', async () =>
    (await webhookPods()).every(({ metadata }) => metadata.deletionTimestamp === undefined)
      ? true
      : undefined,
  );
}

/** Take the installation away, with its namespace. */
export async function uninstall(): Promise<void> {
  await helm('--namespace', NAMESPACE, 'uninstall', 'curfew', ...WAIT);
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=120s']);
}
