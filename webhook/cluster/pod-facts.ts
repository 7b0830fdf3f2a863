/** What is known of a pod in a cluster: its containers' roles and states. Pure. */
import { SHIM_PATH } from '../../shim/protocol.ts';
import { STATUS } from '../decision/vocabulary.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { type Requests, requestsOf } from './requests.ts';

/** A container's end. Times are milliseconds since 1970. */
export interface Ended {
  code: number;
  /** `OOMKilled`, `Error`, `StartError`. */
  reason: string;
  message: string;
  at: number | undefined;
}

export type ContainerState =
  | { kind: 'running'; since: number | undefined }
  | ({ kind: 'ended' } & Ended)
  | { kind: 'waiting'; reason: string; message: string };

/** One container of a pod. */
export interface ContainerFacts {
  name: string;
  image: string;
  /** `native`: an init container with restartPolicy Always. */
  place: 'regular' | 'init' | 'native';
  /** Set for a container that runs under the shim. */
  shim: 'main' | 'sidecar' | undefined;
  state: ContainerState;
  /** How the one before ended. */
  last: Ended | undefined;
  restarts: number;
  ready: boolean;
  /** The startup probe has held, or there is none; undefined where the kubelet does not say. */
  started: boolean | undefined;
  hasStartupProbe: boolean;
}

/** A controller that made an object. */
export interface Owner {
  kind: string;
  name: string;
}

/** One pod. */
export interface PodFacts {
  namespace: string;
  name: string;
  uid: string;
  raw: JsonRecord;
  owner: Owner | undefined;
  phase: string;
  /** `Evicted`, `DeadlineExceeded`. */
  reason: string;
  message: string;
  restartPolicy: string;
  createdAt: number | undefined;
  /** When its grace period ends, where it is being deleted. */
  deletingUntil: number | undefined;
  finalizers: readonly string[];
  /** Why no node has taken it. */
  unscheduled: string | undefined;
  /** Gates that keep it from being scheduled. */
  gates: readonly string[];
  /** Some container runs under the shim. */
  wrapped: boolean;
  /** Curfew has made native sidecars of its sidecars. */
  converted: boolean;
  containers: readonly ContainerFacts[];
  /** What the scheduler keeps for it. */
  holds: Requests;
}

/** Read a pod. Whatever is not as it should be is left out. */
export function podFacts(raw: JsonRecord): PodFacts {
  const metadata = part(raw, 'metadata');
  const spec = part(raw, 'spec');
  const status = part(raw, 'status');
  const conditions = records(status, 'conditions');
  const scheduled = conditions.find((one) => text(one, 'type') === 'PodScheduled');
  const statuses = [...records(status, 'initContainerStatuses'), ...records(status, 'containerStatuses')];
  const byName = new Map(statuses.map((one) => [text(one, 'name'), one]));
  const read = (container: JsonRecord, init: boolean) => containerFacts(container, init, byName);
  const containers = [
    ...records(spec, 'initContainers').map((one) => read(one, true)),
    ...records(spec, 'containers').map((one) => read(one, false)),
  ];
  const wrapped = containers.some(({ shim }) => shim !== undefined);
  return {
    namespace: text(metadata, 'namespace'),
    name: text(metadata, 'name'),
    uid: text(metadata, 'uid'),
    raw,
    owner: ownerOf(metadata),
    phase: text(status, 'phase'),
    reason: text(status, 'reason'),
    message: text(status, 'message'),
    restartPolicy: text(spec, 'restartPolicy') || 'Always',
    createdAt: timeAt(metadata, 'creationTimestamp'),
    deletingUntil: timeAt(metadata, 'deletionTimestamp'),
    finalizers: texts(metadata, 'finalizers'),
    unscheduled:
      scheduled !== undefined && text(scheduled, 'status') === 'False'
        ? text(scheduled, 'message') || text(scheduled, 'reason')
        : undefined,
    gates: records(spec, 'schedulingGates').map((one) => text(one, 'name')),
    wrapped,
    converted: !wrapped && text(part(metadata, 'annotations'), STATUS) !== '',
    containers,
    holds: requestsOf(spec),
  };
}

/** The controller of an object, by its metadata. */
export function ownerOf(metadata: JsonRecord): Owner | undefined {
  const owners = records(metadata, 'ownerReferences');
  const owner = owners.find((one) => member(one, 'controller') === true);
  return owner && { kind: text(owner, 'kind'), name: text(owner, 'name') };
}

function containerFacts(
  spec: JsonRecord,
  init: boolean,
  byName: ReadonlyMap<string, JsonRecord>,
): ContainerFacts {
  const name = text(spec, 'name');
  const status = byName.get(name) ?? {};
  const command = texts(spec, 'command');
  const role = command[0] === SHIM_PATH ? command[1] : undefined;
  const restarts = member(status, 'restartCount');
  const started = member(status, 'started');
  const native = init && text(spec, 'restartPolicy') === 'Always';
  return {
    name,
    image: text(spec, 'image'),
    place: native ? 'native' : init ? 'init' : 'regular',
    shim: role === 'main' || role === 'sidecar' ? role : undefined,
    state: stateOf(part(status, 'state')),
    last: endedOf(part(part(status, 'lastState'), 'terminated')),
    restarts: typeof restarts === 'number' ? restarts : 0,
    ready: member(status, 'ready') === true,
    started: typeof started === 'boolean' ? started : undefined,
    hasStartupProbe: isRecord(member(spec, 'startupProbe')),
  };
}

function stateOf(state: JsonRecord): ContainerState {
  const running = member(state, 'running');
  if (isRecord(running)) return { kind: 'running', since: timeAt(running, 'startedAt') };
  const ended = endedOf(part(state, 'terminated'));
  if (ended !== undefined) return { kind: 'ended', ...ended };
  const waiting = part(state, 'waiting');
  return { kind: 'waiting', reason: text(waiting, 'reason'), message: text(waiting, 'message') };
}

function endedOf(terminated: JsonRecord): Ended | undefined {
  const code = member(terminated, 'exitCode');
  if (typeof code !== 'number') return undefined;
  return {
    code,
    reason: text(terminated, 'reason'),
    message: text(terminated, 'message'),
    at: timeAt(terminated, 'finishedAt'),
  };
}

/** A member that should be an object. */
export function part(record: JsonRecord, key: string): JsonRecord {
  const value = member(record, key);
  return isRecord(value) ? value : {};
}

/** A member that should be a list of objects. */
export function records(record: JsonRecord, key: string): readonly JsonRecord[] {
  const value = member(record, key);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** A member that should be a text. */
export function text(record: JsonRecord, key: string): string {
  const value = member(record, key);
  return typeof value === 'string' ? value : '';
}

function texts(record: JsonRecord, key: string): readonly string[] {
  const value = member(record, key);
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** A member that should be a time (RFC 3339), in milliseconds. */
export function timeAt(record: JsonRecord, key: string): number | undefined {
  const at = Date.parse(text(record, key));
  return Number.isNaN(at) ? undefined : at;
}
