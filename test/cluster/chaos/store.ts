/** The data that sidecars flush when they are told to end, on the node's own disk, where it outlives the pod. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Container, V1Volume } from '@kubernetes/client-node';
import { steps } from '../manifests.ts';

/** Its path in a container. */
const MOUNT = '/store';

/** A folder of the node for one pod. */
export class Store {
  readonly volume: V1Volume;
  private readonly folder: string;

  constructor(name: string) {
    this.folder = join(process.env.STATE ?? '', 'store', `${name}-${randomBytes(3).toString('hex')}`);
    mkdirSync(this.folder, { recursive: true });
    chmodSync(this.folder, 0o777); // the containers may run as any user
    this.volume = { name: 'store', hostPath: { path: this.folder, type: 'Directory' } };
  }

  /** A container of the scratch image that does these steps and has the folder at /store. */
  steps(name: string, list: string, more: Partial<V1Container> = {}): V1Container {
    return steps(name, list, { volumeMounts: [{ name: 'store', mountPath: MOUNT }], ...more });
  }

  /**
   * A sidecar that never ends by itself, flushes when it is told to, and ends with a code that would fail the pod.
   * @param before steps between its start and its service
   * @param after steps between its stop signal and its flush
   */
  keeper(name: string, more: Partial<V1Container> = {}, before = '', after = ''): V1Container {
    const list = `say up ${before} wait ${after} flush ${MOUNT}/${name} exit 143`;
    return this.steps(name, list.replaceAll(/ +/g, ' '), more);
  }

  /** Make files that containers await, from the node. */
  touch(...names: string[]): void {
    for (const name of names) writeFileSync(join(this.folder, name), '');
  }

  /** All files. */
  names(): string[] {
    return readdirSync(this.folder);
  }

  /** The data of a sidecar. */
  of(name: string): 'whole' | 'torn' | 'nothing' {
    const file = join(this.folder, name);
    if (!existsSync(file)) return 'nothing';
    return readFileSync(file, 'utf8').endsWith('\nwhole\n') ? 'whole' : 'torn';
  }
}
