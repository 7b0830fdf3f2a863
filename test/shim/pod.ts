/**
 * A pod of real processes: the real shim, installed by itself into one shared folder, and containers around it, each in
 * a pid namespace of its own like a kubelet's. Needs root and Linux namespaces.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MARKER_SIZE, type Marker, type Phase, parseMarker } from '../../shim/marker.ts';
import { type ContainerOptions, NO_MESSAGE, type Readiness, shimFlags } from '../../shim/protocol.ts';
import { buildActor } from './actor.ts';
import { Container, type Surroundings, TERM } from './container.ts';
import { until } from './patience.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
/** The shim that is tested; another may be named, to see the tests find what is wrong with it. */
export const SHIM = process.env.CURFEW_SHIM ?? `${dist}/curfew-shim-${architecture}`;
/** What the containers run. */
export const ACTOR = buildActor();

/** A pid namespace, and a /proc that shows it: the container's shim is process 1. */
export const NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** What a test must name to have its containers ended with it. */
interface Test {
  after(end: () => Promise<void>): void;
}

export interface PodOptions {
  mains?: string[];
  sidecars?: string[];
  /** Containers with such a hook. */
  preStop?: string[];
  /** The pod's policy. */
  restartPolicy?: ContainerOptions['restartPolicy'];
  grace?: number;
  /** Stands before everything that is started: what enters another mount namespace. */
  prefix?: string[];
  /** Stands right before every shim. */
  emulator?: string[];
  /** The rendezvous of the containers, where it is not the pod's own folder. */
  run?: string;
  /** As the tests see it, where that is another path. */
  runSeen?: string;
  shim?: string;
}

export interface Start extends Surroundings {
  /** Flags beside the pod's own. */
  options?: Partial<ContainerOptions>;
  /** In place of {@link NAMESPACE}. */
  inside?: string[];
}

export class Pod {
  /** Everything of the pod; other users may enter. */
  readonly folder: string;
  /** The rendezvous, as the containers see it, and as the tests do. */
  readonly run: string;
  readonly runSeen: string;
  readonly bin: string;
  /** What the containers did, in order. */
  readonly log: string;
  private readonly prefix: string[];
  private readonly emulator: string[];
  private readonly options: PodOptions;
  private readonly containers: Container[] = [];

  constructor(test: Test, options: PodOptions = {}) {
    test.after(() => this.destroy());
    this.options = options;
    this.folder = mkdtempSync(`${tmpdir()}/curfew-pod-`);
    this.bin = `${this.folder}/bin`;
    this.run = options.run ?? `${this.folder}/run`;
    this.runSeen = options.runSeen ?? this.run;
    this.log = `${this.folder}/log`;
    this.prefix = options.prefix ?? [];
    this.emulator = options.emulator ?? [];
    chmodSync(this.folder, 0o755);
    for (const folder of [this.bin, ...(options.run === undefined ? [this.run] : [])]) {
      mkdirSync(folder);
      chmodSync(folder, 0o777);
    }
    writeFileSync(this.log, '');
    chmodSync(this.log, 0o666);
    this.install();
  }

  /**
   * What the init container does: again, too, as after a node's restart.
   * @throws {Error} with its words, where it fails
   */
  install(): void {
    const { mains = [], sidecars = [], shim = SHIM } = this.options;
    const flags = shimFlags({
      role: 'install',
      to: this.bin,
      run: this.run,
      containers: [...mains, ...sidecars],
    });
    const [file = '', ...args] = [...this.prefix, ...this.emulator, shim, ...flags];
    execFileSync(file, args, { stdio: ['ignore', 'inherit', 'pipe'] });
  }

  /** The words that run a command in a container, from its namespace on. */
  words(name: string, command: string[], start: Start = {}): string[] {
    const { mains = [], sidecars = [], preStop = [], restartPolicy = 'Never', grace = 30_000 } = this.options;
    const flags = shimFlags({
      role: sidecars.includes(name) ? 'sidecar' : 'main',
      name,
      run: this.run,
      mains,
      sidecars,
      preStop,
      restartPolicy,
      restartRules: [],
      grace,
      probed: false,
      hostPid: false,
      // Not the machine's own, where the tests run in a pod.
      terminationMessage: NO_MESSAGE,
      log: 'info',
      ready: sidecars.includes(name) ? this.upOf(command) : { kind: 'none' },
      readyTimeout: 1_000,
      ...start.options,
      command: [],
    });
    const shim = [...this.emulator, `${this.bin}/curfew-shim`, ...flags, ...command];
    return [...this.prefix, ...(start.inside ?? NAMESPACE), ...shim];
  }

  /** Start a container. */
  start(name: string, command: string[], start: Start = {}): Container {
    return this.begin(name, this.words(name, command, start), start);
  }

  /** Start something else that ends with the pod. */
  begin(name: string, argv: string[], surroundings: Surroundings = {}): Container {
    const container = new Container(name, argv, surroundings);
    this.containers.push(container);
    return container;
  }

  /** A serving actor is ready once it has noted that it is up: from then on signals find it listening. */
  private upOf([program, part, log = '', name]: string[]): Readiness {
    if (program !== ACTOR || part !== 'serve') return { kind: 'none' };
    return { kind: 'exec', command: [ACTOR, 'noted', log, `${name} up`] };
  }

  /** Words for an actor that notes every signal, and ends with TERM (15) unless told otherwise. */
  serve(name: string, ...ends: string[]): string[] {
    return [ACTOR, 'serve', this.log, name, ...(ends.length > 0 ? ends : [`${TERM}=0`])];
  }

  /** Words for an actor that notes that it runs, and ends. */
  work(name: string, code = 0): string[] {
    return [ACTOR, 'run', this.log, name, `${code}`];
  }

  /** What the actors noted, in order. */
  get noted(): string[] {
    return readFileSync(this.log, 'utf8').split('\n').slice(0, -1);
  }

  /** Wait for a note. */
  async notes(line: string, times = 1): Promise<void> {
    await until(
      `"${line}" in the log`,
      () => this.noted.filter((item) => item === line).length >= times || undefined,
      () => this.story,
    );
  }

  /** A container's whole marker, if there is one. */
  markerOf(name: string): Marker | undefined {
    const path = `${this.runSeen}/${name}.state`;
    return existsSync(path) ? parseMarker(readFileSync(path).subarray(0, MARKER_SIZE).toString()) : undefined;
  }

  /** Wait until a container announces this phase, in this attempt (the first, when none is named). */
  async announces(name: string, phase: Phase, attempt = 1): Promise<Marker> {
    return await until(
      `${name} to announce ${phase}`,
      () => {
        const marker = this.markerOf(name);
        if (marker?.attempt !== attempt || marker.phase !== phase) return undefined;
        return marker;
      },
      () => this.story,
    );
  }

  /** What happened so far, for a failing test. */
  get story(): string {
    return [`--- log:`, ...this.noted, ...this.containers.map((item) => item.words)].join('\n');
  }

  async destroy(): Promise<void> {
    for (const container of this.containers) await container.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
