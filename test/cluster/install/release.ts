/** An installation of Curfew: by the chart with Helm, or by the one manifest with kubectl. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { kubectl, mustKubectl, type Result, runProgram } from '../kubectl.ts';
import { createNamespace } from '../namespace.ts';
import { minorVersion } from '../version.ts';
import { RESTRICTED } from './pod-security.ts';

const STATE = process.env.STATE ?? '';
const PROJECT = join(import.meta.dirname, '..', '..', '..');
const CHART = join(PROJECT, 'charts', 'curfew');
/** The one for this cluster's version. */
const MANIFEST = join(PROJECT, 'charts', minorVersion() >= 30 ? 'curfew.yaml' : 'curfew-1.20.yaml');
/** The name of the release, and of its objects. */
const NAME = 'curfew';
/** The values that differ from the defaults, as in the README: the cluster's registry. */
const IMAGES = [
  ...['--set', 'image.repository=localhost/curfew'],
  ...['--set', 'shim.image.repository=localhost/curfew-shim'],
];
/** Seconds that an installation may take. */
const TIMEOUT = 120;

const PODS = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
      status: z.object({
        podIP: z.string().optional(),
        containerStatuses: z.array(z.object({ containerID: z.string().optional() })).default([]),
      }),
    }),
  ),
});

/** A pod of the webhook. */
export interface Replica {
  name: string;
  ip: string;
  /** containerd's name for its one container. */
  container: string;
}

/** Helm, which may refuse. */
export function helm(...args: string[]): Promise<Result> {
  const home = (name: string) => join(STATE, 'helm', name);
  const homes = {
    HELM_CACHE_HOME: home('cache'),
    HELM_CONFIG_HOME: home('config'),
    HELM_DATA_HOME: home('data'),
  };
  return runProgram(process.env.HELM ?? 'helm', args, '', homes);
}

/** `helm install`, which may refuse. */
export function tryInstall(namespace: string, ...values: string[]): Promise<Result> {
  const wait = ['--wait', `--timeout=${TIMEOUT}s`];
  return helm('--namespace', namespace, 'install', NAME, CHART, ...wait, ...IMAGES, ...values);
}

/** The installation of a cluster: there is one at a time, because its configuration concerns the whole cluster. */
export class Release {
  readonly namespace: string;
  readonly name = NAME;

  protected constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** Create an empty namespace for it, which accepts only restricted pods. */
  static async prepare(): Promise<Release> {
    const release = new Release('curfew-system');
    await createNamespace(release.namespace, RESTRICTED);
    return release;
  }

  /**
   * `helm install --wait` into a new namespace.
   * @param values more arguments, such as `--set KEY=VALUE`
   */
  static async install(...values: string[]): Promise<Release> {
    const release = await Release.prepare();
    await release.install(...values);
    return release;
  }

  async install(...values: string[]): Promise<void> {
    await this.check(tryInstall(this.namespace, ...values));
  }

  /** Helm in this namespace; it must succeed. */
  helm(...args: string[]): Promise<string> {
    return this.check(helm('--namespace', this.namespace, ...args));
  }

  /** `helm upgrade --wait`, with the images' names and more values. */
  upgrade(...values: string[]): Promise<string> {
    return this.helm('upgrade', this.name, CHART, '--wait', `--timeout=${TIMEOUT}s`, ...IMAGES, ...values);
  }

  uninstall(): Promise<string> {
    return this.helm('uninstall', this.name, '--wait', `--timeout=${TIMEOUT}s`);
  }

  /** kubectl in this namespace; it must succeed. */
  kubectl(...args: string[]): Promise<string> {
    return mustKubectl(['-n', this.namespace, ...args]);
  }

  /** The webhook's pods that are not being deleted. */
  async replicas(): Promise<Replica[]> {
    const selector = `app.kubernetes.io/name=curfew,app.kubernetes.io/instance=${this.name}`;
    const list = PODS.parse(JSON.parse(await this.kubectl('get', 'pods', '-l', selector, '-o', 'json')));
    return list.items
      .filter((pod) => pod.metadata.deletionTimestamp === undefined)
      .map(({ metadata, status }) => ({
        name: metadata.name,
        ip: status.podIP ?? '',
        container: (status.containerStatuses[0]?.containerID ?? '').replace('containerd://', ''),
      }));
  }

  /** The caBundle (PEM) of the webhook configuration; empty where it has none. */
  async authorities(): Promise<string> {
    const path = 'jsonpath={.webhooks[0].clientConfig.caBundle}';
    const bundle = await mustKubectl(['get', 'mutatingwebhookconfiguration', this.name, '-o', path]);
    return Buffer.from(bundle, 'base64').toString();
  }

  /** Wait until the Deployment has only new and ready pods. */
  async rolledOut(): Promise<void> {
    await this.kubectl('rollout', 'status', `deployment/${this.name}`, `--timeout=${TIMEOUT}s`);
  }

  /**
   * For `after`: log the state, remove what was installed so far, and wait until its namespace is gone. A complete removal is tested
   * by the tests themselves.
   */
  static async removeAll(): Promise<void> {
    const release = new Release('curfew-system');
    await release.record();
    await helm('--namespace', release.namespace, 'uninstall', NAME, '--wait', `--timeout=${TIMEOUT}s`);
    await kubectl(['delete', 'namespace', release.namespace, '--ignore-not-found', `--timeout=${TIMEOUT}s`]);
  }

  /** Helm's output. @throws with everything that explains why Helm failed */
  private async check(result: Promise<Result>): Promise<string> {
    const { code, stdout, stderr } = await result;
    if (code === 0) return stdout;
    const pods = await kubectl(['-n', this.namespace, 'describe', 'pods']);
    throw new Error(`helm: exit ${code}: ${stderr}\n${pods.stdout}`);
  }

  /** The installed objects and the pods' logs, for people. */
  private async record(): Promise<void> {
    const folder = join(STATE, 'log', 'installations');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${new Date().toISOString().slice(11, 19).replaceAll(':', '-')}.txt`);
    for (const args of [
      ['describe', 'deployments,pods'],
      ['get', 'events', '--sort-by=.lastTimestamp'],
      ['get', 'mutatingwebhookconfigurations', '-o', 'yaml'],
      ['logs', '-l', 'app.kubernetes.io/name=curfew', '--tail=-1', '--prefix'],
    ]) {
      const { stdout } = await kubectl(['-n', this.namespace, ...args]);
      appendFileSync(file, `# kubectl ${args.join(' ')}\n${stdout}\n`);
    }
  }
}

/** `kubectl apply -f` of the manifest, with the images' names replaced, as for another registry. */
export class AppliedManifest extends Release {
  static async fromFile(): Promise<AppliedManifest> {
    const manifest = AppliedManifest.here();
    await manifest.applyAgain();
    await manifest.rolledOut();
    return manifest;
  }

  private static here(): AppliedManifest {
    return new AppliedManifest(namespaceOf(readFileSync(MANIFEST, 'utf8')));
  }

  async applyAgain(): Promise<void> {
    await mustKubectl(['apply', '-f', '-'], this.edited());
  }

  /** For `after`, as above, and for the manifest's cluster-wide objects where a test has not deleted them. */
  static override async removeAll(): Promise<void> {
    await Release.removeAll();
    await AppliedManifest.here().deleteAll();
  }

  /** `kubectl delete -f`: all objects of the manifest, with the namespace. */
  async deleteAll(): Promise<void> {
    await mustKubectl(['delete', '--ignore-not-found', `--timeout=${TIMEOUT}s`, '-f', '-'], this.edited());
  }

  /** The manifest after the README's `sed`. */
  private edited(): string {
    return execFileSync('sed', ['s#ghcr.io/curfew-dev/#localhost/#', MANIFEST], { encoding: 'utf8' });
  }
}

function namespaceOf(manifest: string): string {
  const name = /^ {2}namespace: ([a-z0-9-]+)$/m.exec(manifest)?.[1];
  if (name === undefined) throw new Error(`${MANIFEST} names no namespace`);
  return name;
}
