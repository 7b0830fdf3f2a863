/** Runs a pod's containers as local processes, as the kubelet would: init containers one by one, then all together. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { MARKER_SIZE, type Marker, type Phase, parseMarker } from '../../shim/marker.ts';
import { BIN_DIR, RUN_DIR, SHIM_IMAGE_PATH } from '../../shim/protocol.ts';
import type { Deed } from './recording.ts';
import type { Timeline } from './timeline.ts';

/** Where this machine has the content of the containers' images. */
export interface Places {
  /** The static executable that is the shim's image. */
  shim: string;
  /** A folder with the programs that are in the containers' images. */
  programs: string;
}

export class LocalPod {
  private readonly pod: V1Pod;
  private readonly places: Places;
  private readonly timeline: Timeline;
  private readonly running = new Map<string, ChildProcess>();
  private readonly seen = new Map<string, string>();
  private folder = '';
  private watcher: FSWatcher | undefined;

  constructor(pod: V1Pod, places: Places, timeline: Timeline) {
    this.pod = pod;
    this.places = places;
    this.timeline = timeline;
  }

  /** Start everything. */
  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'curfew-pod-'));
    await mkdir(join(this.folder, 'bin'));
    await mkdir(join(this.folder, 'run'));
    this.watcher = watch(join(this.folder, 'run'), () => this.readMarkers());
    for (const container of this.pod.spec?.initContainers ?? []) {
      const code = await this.run(container);
      if (code !== 0) throw new Error(`init container ${container.name} ended with code ${code}`);
    }
    for (const container of this.pod.spec?.containers ?? []) void this.run(container);
  }

  /** The exit code of a container that ended; undefined while it runs. */
  exitCode(name: string): number | undefined {
    return this.running.get(name)?.exitCode ?? undefined;
  }

  /** Wait for a container's end. @returns its exit code; undefined where it did not end in time */
  async ended(name: string, withinMs: number): Promise<number | undefined> {
    const child = this.running.get(name);
    if (child === undefined || child.exitCode !== null) return this.exitCode(name);
    try {
      await once(child, 'exit', { signal: AbortSignal.timeout(withinMs) });
    } catch {
      return undefined;
    }
    return this.exitCode(name);
  }

  /** Kill all processes that still run, and delete the pod's volumes. */
  async remove(): Promise<void> {
    for (const child of this.running.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    this.watcher?.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async run(container: V1Container): Promise<number> {
    const [program = '', ...args] = this.local([...(container.command ?? []), ...(container.args ?? [])]);
    const path = `${this.places.programs}:${process.env.PATH ?? ''}`;
    const child = spawn(program, args, {
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.running.set(container.name, child);
    this.timeline.event(container.name, 'started', 'container started');
    child.stdout.on('data', (data) => this.timeline.output(container.name, String(data)));
    child.stderr.on('data', (data) => this.timeline.output(container.name, String(data)));
    const [code, signal] = await once(child, 'exit');
    this.readMarkers();
    if (signal === null)
      this.timeline.event(container.name, 'ended', `container ended, exit code ${code}`, Number(code));
    else this.timeline.event(container.name, 'cut', 'container cut off');
    return Number(code);
  }

  /** The containers' paths, mapped to this machine's. */
  private local(words: string[]): string[] {
    const [program = '', role = '', ...rest] = words;
    const [bin, run] = [join(this.folder, 'bin'), join(this.folder, 'run')];
    if (program === SHIM_IMAGE_PATH) return [this.places.shim, role, `--to=${bin}`, `--run=${run}`, ...rest];
    if (program.startsWith(`${BIN_DIR}/`)) {
      return [
        program.replace(BIN_DIR, bin),
        role,
        `--run=${run}`,
        ...rest.map((word) => word.replace(RUN_DIR, run)),
      ];
    }
    return words;
  }

  /** Print each new marker of a shim, because it explains what the pod does. */
  private readMarkers(): void {
    for (const { name } of this.pod.spec?.containers ?? []) {
      const marker = readMarker(join(this.folder, 'run', `${name}.state`));
      if (marker === undefined) continue;
      const what = describe(marker);
      if (this.seen.get(name) === what) continue;
      this.seen.set(name, what);
      this.timeline.event(name, DEEDS_OF[marker.phase], what);
    }
  }
}

/** The marker is the file's beginning; what follows is the container's card for `curfew-shim status`. */
function readMarker(path: string): Marker | undefined {
  try {
    return parseMarker(readFileSync(path).toString('utf8', 0, MARKER_SIZE));
  } catch {
    return undefined;
  }
}

const DEEDS_OF: Readonly<Record<Phase, Deed>> = {
  waiting: 'waiting',
  starting: 'starting',
  started: 'ready',
  resting: 'resting',
  running: 'running',
  ended: 'told',
};

function describe(marker: Marker): string {
  switch (marker.phase) {
    case 'waiting':
      return 'shim: waits for the sidecars';
    case 'starting':
      return 'shim: runs the command, not ready yet';
    case 'started':
      return 'shim: ready, the next may start';
    case 'resting':
      return 'shim: the command ended; runs it again after a pause';
    case 'running':
      return 'shim: all sidecars are started: runs the command';
    case 'ended':
      return `shim: says that it ended with code ${marker.code}${marker.final ? ', for good' : ''}`;
  }
}
