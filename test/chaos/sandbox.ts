/** A pod's surroundings: a network and mounts of its own, the rendezvous that the plan asks for, and words to start a container in them. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { formatMarker } from '../../shim/marker.ts';
import { SHIM_NAME } from '../../shim/protocol.ts';
import { buildProgram } from '../shim/actor.ts';
import { Container, type Surroundings } from '../shim/container.ts';
import { ACTOR, Pod } from '../shim/pod.ts';
import type { ContainerPlan, Plan } from './plan.ts';

/** What the containers run. */
export const WORKER = buildProgram(fileURLToPath(new URL('worker.c', import.meta.url)));

const TMPFS = { tmpfs: 'size=64k', 'full-blocks': 'size=64k', 'full-inodes': 'size=1m,nr_inodes=24' };
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** The number of the starts that the leftovers tell of. */
export const LEFTOVER_ATTEMPT = 3;
/** The life of the sandbox that they are of. */
export const LEFTOVER_EPOCH = 'before';

/** What is started so does not outlive this program. */
const MORTAL = ['setpriv', '--pdeathsig=KILL'];

type End = () => Promise<void> | void;

/** Each pod whose user has used up its inotify instances needs a user of its own. */
let lastUser = 1_000_000 + process.pid * 1_000;

export class Sandbox {
  readonly pod: Pod;
  /** Where the sidecars keep their data. */
  readonly data: string;
  private readonly plan: Plan;
  private readonly user: number | undefined;
  /** Enters the pod's mounts and network. */
  private readonly prefix: string[];
  private readonly ends: End[];

  private constructor(plan: Plan, pod: Pod, prefix: string[], ends: End[]) {
    this.plan = plan;
    this.pod = pod;
    this.user = plan.rendezvous === 'used-up' ? lastUser++ : undefined;
    this.prefix = prefix;
    this.ends = ends;
    this.data = `${pod.folder}/data`;
    mkdirSync(this.data);
    chmodSync(this.data, 0o777);
  }

  static async make(plan: Plan, shim: string): Promise<Sandbox> {
    const ends: End[] = [];
    const { rendezvous } = plan;
    const options =
      rendezvous === 'tmpfs' || rendezvous === 'full-blocks' || rendezvous === 'full-inodes'
        ? TMPFS[rendezvous]
        : undefined;
    const own = options === undefined ? undefined : mkdtempSync(`${tmpdir()}/curfew-tmpfs-`);
    if (own !== undefined) ends.push(() => rmSync(own, { recursive: true }));
    const mount = own === undefined ? '' : `mount -t tmpfs -o ${options},mode=0777 none ${own} && `;
    const script = `ip link set lo up && ${mount}echo made && exec sleep infinity`;
    const holder = new Container('sandbox', [...MORTAL, 'unshare', '--mount', '--net', 'sh', '-c', script], {
      env: { PATH },
    });
    ends.push(() => holder.destroy());
    try {
      await holder.says('made', 'stdout');
      const inside = `/proc/${holder.bystander()}`;
      const prefix = [...MORTAL, 'nsenter', `--mount=${inside}/ns/mnt`, `--net=${inside}/ns/net`];
      const pod = new Pod(
        { after: (end) => ends.push(end) },
        {
          mains: plan.mains.map(({ name }) => name),
          sidecars: plan.sidecars.map(({ name }) => name),
          restartPolicy: plan.policy,
          grace: plan.grace,
          prefix,
          shim,
          ...(own === undefined ? {} : { run: own, runSeen: `${inside}/root${own}` }),
        },
      );
      const sandbox = new Sandbox(plan, pod, prefix, ends);
      await sandbox.prepare();
      return sandbox;
    } catch (error) {
      for (const end of ends.reverse()) await end();
      throw error;
    }
  }

  private async prepare(): Promise<void> {
    const { pod, plan } = this;
    if (plan.leftovers) this.leaveMarkers();
    if (plan.rendezvous.startsWith('full')) this.fill();
    if (plan.rendezvous === 'missing') rmSync(pod.run, { recursive: true });
    if (plan.rendezvous === 'read-only') {
      const [file = '', ...args] = [...this.prefix, 'sh', '-c', makeReadOnly(pod.run)];
      execFileSync(file, args);
    }
    if (this.user === undefined) return;
    const hog = pod.begin('hog', ['setpriv', `--reuid=${this.user}`, '--clear-groups', WORKER, 'hog']);
    await hog.says('took', 'stdout');
    const took = Number(hog.stdout.split(' ')[1]?.replace(':', ''));
    if (!(took > 0)) throw new Error(`no inotify instance was left to take: ${hog.words}`);
  }

  /** Markers of containers that ran in an earlier life of the sandbox, and what the init container makes of it. */
  private leaveMarkers(): void {
    const old = {
      attempt: LEFTOVER_ATTEMPT,
      epoch: LEFTOVER_EPOCH,
      code: 0,
      killedIsFinal: false,
      stopping: false,
      stopDoubt: 0,
    };
    for (const { name } of this.plan.sidecars)
      writeFileSync(
        `${this.pod.runSeen}/${name}.state`,
        formatMarker({ ...old, phase: 'started', final: false }),
      );
    this.plan.mains.forEach(({ name }, i) => {
      const marker =
        i % 2 === 0
          ? ({ ...old, phase: 'ended', final: true } as const)
          : ({ ...old, phase: 'running', final: false } as const);
      writeFileSync(`${this.pod.runSeen}/${name}.state`, formatMarker(marker));
    });
    this.pod.install();
  }

  /** Leave no block free in the rendezvous, or no inode. */
  fill(): void {
    if (this.plan.rendezvous === 'full-inodes') {
      for (let i = 0; ; i++) if (isFull(() => writeFileSync(`${this.pod.runSeen}/filler-${i}`, ''))) return;
    }
    const file = openSync(`${this.pod.runSeen}/filler`, 'w');
    try {
      while (!isFull(() => writeSync(file, Buffer.alloc(512))));
    } finally {
      closeSync(file);
    }
  }

  /** The words before a container's shim, from its namespaces on. */
  inside(container: ContainerPlan, index: number): string[] {
    const { plan, pod } = this;
    const words = plan.hostPid ? ['unshare', '--mount'] : [WORKER, 'box', `${plan.clocks[index] ?? 0}`];
    if (container.readOnly)
      words.unshift('unshare', '--mount', 'sh', '-c', `${makeReadOnly(pod.run)} && exec "$@"`, '-');
    if (this.user !== undefined)
      words.push('setpriv', `--reuid=${this.user}`, `--regid=${this.user}`, '--clear-groups');
    if (plan.rendezvous === 'deaf') words.push(ACTOR, 'deaf');
    return words;
  }

  /** Make a running container's mount of the rendezvous read-only. */
  makeReadOnly(shim: number): void {
    execFileSync('nsenter', [`--target=${shim}`, '--mount', 'sh', '-c', makeReadOnly(this.pod.run)], {
      stdio: 'pipe',
    });
  }

  /** The words that ask the pod's shims who waits for whom. */
  statusWords(): string[] {
    return [
      ...this.prefix,
      `${this.pod.bin}/${SHIM_NAME}`,
      'status',
      '--output=json',
      `--run=${this.pod.run}`,
    ];
  }

  surroundings(mark: string): Surroundings {
    return { env: { PATH, CURFEW_CHAOS: mark } };
  }

  async destroy(): Promise<void> {
    for (const end of this.ends.reverse()) await end();
  }
}

function makeReadOnly(folder: string): string {
  return `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`;
}

function isFull(add: () => void): boolean {
  try {
    add();
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return true;
    throw error;
  }
}
