/** The cluster for tests: the real kubectl, a namespace for each test, and waits for events in it. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { KubernetesObject } from '@kubernetes/client-node';
import { z } from 'zod';
import { kubectl, mustKubectl, PATIENCE, type Result, timeout, until } from './kubectl.ts';
import { makeNamespace } from './namespace.ts';

const STATE = process.env.STATE ?? '';

const CONTAINER_STATE = z.object({
  waiting: z.object({ reason: z.string().optional() }).optional(),
  running: z.object({ startedAt: z.string() }).optional(),
  terminated: z
    .object({
      exitCode: z.int(),
      reason: z.string().optional(),
      message: z.string().optional(),
      finishedAt: z.string().nullable(),
    })
    .optional(),
});
const CONTAINER_STATUS = z.object({
  name: z.string(),
  image: z.string(),
  restartCount: z.int(),
  ready: z.boolean(),
  containerID: z.string().optional(),
  state: CONTAINER_STATE,
  lastState: CONTAINER_STATE,
});
const CONTAINER = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  restartPolicy: z.string().optional(),
});
const POD = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({ initContainers: z.array(CONTAINER).default([]), containers: z.array(CONTAINER) }),
  status: z.object({
    phase: z.string(),
    initContainerStatuses: z.array(CONTAINER_STATUS).default([]),
    containerStatuses: z.array(CONTAINER_STATUS).default([]),
  }),
});
const JOB = z.object({
  status: z.object({ succeeded: z.int().default(0), failed: z.int().default(0), active: z.int().default(0) }),
});
const LIST = z.object({ items: z.array(z.unknown()) });

export type Pod = z.output<typeof POD>;
export type ContainerStatus = z.output<typeof CONTAINER_STATUS>;

/** A line of `steps` (images/steps.c): when it was printed, in milliseconds, and its text. */
export interface Line {
  at: number;
  text: string;
}

/** One test's namespace. At the test's end, what happened in it is written to the log folder and it is deleted. */
export class Namespace {
  readonly name: string;
  /** What {@link create} makes of an object before it creates it. */
  prepare: (object: KubernetesObject) => KubernetesObject = (object) => object;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * @param labels with `curfew.dev/injection: enabled` unless others are given
   */
  static async make(
    t: TestContext,
    name: string,
    labels: Record<string, string> = { 'curfew.dev/injection': 'enabled' },
  ): Promise<Namespace> {
    const namespace = new Namespace(await makeNamespace(name, labels));
    t.after(async () => {
      await namespace.record(t.name);
      await kubectl(['delete', 'namespace', namespace.name, '--wait=false']);
    });
    return namespace;
  }

  /** kubectl in this namespace; it must succeed. */
  kubectl(...args: string[]): Promise<string> {
    return mustKubectl(['-n', this.name, ...args]);
  }

  /** Create an object, which may be refused. */
  tryCreate(object: KubernetesObject, ...flags: string[]): Promise<Result> {
    return kubectl(['-n', this.name, 'create', '-f', '-', ...flags], JSON.stringify(object));
  }

  /** The pod that would be created: after all webhooks and defaults. */
  async dryRun(object: object): Promise<Pod> {
    const flags = ['--dry-run=server', '-o', 'json'];
    const text = await mustKubectl(
      ['-n', this.name, 'create', '-f', '-', ...flags],
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...object }),
    );
    return POD.parse(JSON.parse(text));
  }

  async create(...objects: KubernetesObject[]): Promise<void> {
    for (const object of objects) {
      await mustKubectl(['-n', this.name, 'create', '-f', '-'], JSON.stringify(this.prepare(object)));
    }
  }

  async pod(name: string): Promise<Pod> {
    return POD.parse(JSON.parse(await this.kubectl('get', 'pod', name, '-o', 'json')));
  }

  /** Pods of a Job, oldest first. */
  async podsOf(job: string): Promise<Pod[]> {
    const text = await this.kubectl(
      ...['get', 'pods', '-l', `job-name=${job}`, '-o', 'json', '--sort-by=.metadata.creationTimestamp'],
    );
    return LIST.parse(JSON.parse(text)).items.map((item) => POD.parse(item));
  }

  /** The name of a Job's first pod, once it exists. */
  podOf(job: string): Promise<string> {
    return until(`a pod of job ${job}`, async () => (await this.podsOf(job))[0]?.metadata.name);
  }

  async job(name: string): Promise<z.output<typeof JOB>['status']> {
    return JOB.parse(JSON.parse(await this.kubectl('get', 'job', name, '-o', 'json'))).status;
  }

  /** Wait by `kubectl wait` (a watch) until a JSONPath has a value. */
  async waitFor(object: string, path: string, value: string, patience = PATIENCE): Promise<void> {
    await this.kubectl('wait', object, `--for=jsonpath=${path}=${value}`, timeout(patience / 1_000));
  }

  async waitForJob(name: string, condition: 'complete' | 'failed' = 'complete'): Promise<void> {
    await this.kubectl('wait', `job/${name}`, `--for=condition=${condition}`, timeout());
  }

  waitForPhase(pod: string, phase: string, patience = PATIENCE): Promise<void> {
    return this.waitFor(`pod/${pod}`, '{.status.phase}', phase, patience);
  }

  /** A container's end as the kubelet reports it. */
  exit(pod: string, container: string): Promise<ContainerStatus> {
    return until(`the end of ${container} in ${pod}`, async () => {
      const status = statusOf(await this.pod(pod), container);
      return status?.state.terminated === undefined ? undefined : status;
    });
  }

  /**
   * Wait until a container was started again, which still runs.
   * @returns its exit code before. The kubelet may forget that when the container has ended twice
   */
  codeBeforeRestart(pod: string, container: string): Promise<number> {
    return until(`${container} in ${pod} has been started again`, async () => {
      const status = statusOf(await this.pod(pod), container);
      return status?.restartCount === 1 ? status.lastState.terminated?.exitCode : undefined;
    });
  }

  log(pod: string, container: string, ...flags: string[]): Promise<string> {
    return this.kubectl('logs', pod, '-c', container, ...flags);
  }

  /** The output of `steps` in a container. */
  async lines(pod: string, container: string, ...flags: string[]): Promise<Line[]> {
    return linesOf(await this.log(pod, container, ...flags));
  }

  /** Wait until `steps` has printed a text in a container, `times` times. */
  said(pod: string, container: string, text: string, times = 1): Promise<Line> {
    return until(`${container} in ${pod} says "${text}"`, async () => {
      return (await this.linesSoFar(pod, container)).filter((line) => line.text === text)[times - 1];
    });
  }

  /** What `steps` has printed so far: nothing, where the API server does not know yet that the container runs. */
  async linesSoFar(pod: string, container: string): Promise<Line[]> {
    const { stdout } = await kubectl(['-n', this.name, 'logs', pod, '-c', container]);
    return linesOf(stdout);
  }

  /** Read a container's output until it ends. After the pod was deleted it cannot be read any more. */
  follow(pod: string, container: string): Promise<string> {
    const output = this.log(pod, container, '--follow');
    output.catch(() => {}); // the caller awaits it
    return output;
  }

  /**
   * The same, of a container that has said something: returns when the first of it has come, so that a pod which is gone at once can be deleted
   * then. @throws where nothing comes
   */
  async followed(pod: string, container: string): Promise<{ output: Promise<string> }> {
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const output = kubectl(['-n', this.name, 'logs', pod, '-c', container, '--follow'], '', resolve).then(
      ({ code, stdout, stderr }) => {
        if (code !== 0) throw new Error(`following ${container} in ${pod}: exit ${code}: ${stderr}`);
        return stdout;
      },
    );
    await Promise.race([begun, output]);
    return { output };
  }

  /** Everything that Kubernetes reports about this test, for people. */
  private async record(title: string): Promise<void> {
    const folder = join(STATE, 'log', 'tests');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${this.name}.txt`);
    appendFileSync(file, `${title}\n\n`);
    for (const args of [
      ['describe', 'jobs,pods'],
      ['get', 'events', '--sort-by=.lastTimestamp'],
    ]) {
      appendFileSync(
        file,
        `# kubectl ${args.join(' ')}\n${(await kubectl(['-n', this.name, ...args])).stdout}\n`,
      );
    }
    const pods = await kubectl(['-n', this.name, 'get', 'pods', '-o', 'name']);
    for (const pod of pods.stdout.split('\n').filter((name) => name !== '')) {
      const log = await kubectl(['-n', this.name, 'logs', pod, '--all-containers', '--prefix']);
      appendFileSync(file, `# logs of ${pod}\n${log.stdout}${log.stderr}\n`);
    }
  }
}

/** A container's status in a pod, also of an init container or native sidecar. */
export function statusOf(pod: Pod, container: string): ContainerStatus | undefined {
  const { containerStatuses, initContainerStatuses } = pod.status;
  return [...containerStatuses, ...initContainerStatuses].find((status) => status.name === container);
}

/** Exit codes by container; undefined while it runs. */
export function exitCodes(pod: Pod): Record<string, number | undefined> {
  return Object.fromEntries(
    pod.status.containerStatuses.map((status) => [status.name, status.state.terminated?.exitCode]),
  );
}

/** The lines of `steps` in a text. Other lines, such as Curfew's, are left out. */
export function linesOf(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d{13}) (.*)$/.exec(line);
    return match === null ? [] : [{ at: Number(match[1]), text: match[2] ?? '' }];
  });
}

/** When `steps` first printed a text. Throws when it never did. */
export function when(lines: Line[], text: string): number {
  const line = lines.find((item) => item.text === text);
  if (line === undefined) {
    throw new Error(`nothing said "${text}"; said was: ${lines.map((item) => item.text).join(', ')}`);
  }
  return line.at;
}
