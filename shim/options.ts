/** What a shim is told to do: the types of what its arguments say. `command-line.ts` writes and reads them. */
import type { MachineWords } from './machine-words.ts';
import type { Readiness } from './readiness-condition.ts';

/** When the kubelet starts a container again: the pod's policy, or the container's own (newer Kubernetes). */
export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/**
 * One of a container's `restartPolicyRules`: an exit code that it matches restarts the container, whatever the
 * policy says.
 */
export interface RestartRule {
  operator: 'In' | 'NotIn';
  codes: number[];
  /** Its action is RestartAllContainers: the kubelet starts the whole pod again, init containers first. */
  all?: true;
}

/** `install`: put the shim and an empty rendezvous into the pod's volumes. */
export interface InstallOptions {
  role: 'install';
  /** Folder for the shim (default `BIN_DIR`). */
  to: string;
  /** The rendezvous (default `RUN_DIR`). */
  run: string;
  /** Every wrapped container: their places in the rendezvous are reserved now, while failing is cheap. */
  containers: string[];
}

/** Milliseconds; `least` is at most `most`. */
export interface AloneGrace {
  least: number;
  most: number;
}

/** `main` and `sidecar`: run one container's command. Times are milliseconds. */
export interface ContainerOptions {
  role: 'main' | 'sidecar';
  name: string;
  run: string;
  /** All mains of the pod. */
  mains: string[];
  /** All sidecars of the pod, in start order. */
  sidecars: string[];
  /** Which of all these have a preStop hook, so that their TERM may come later than the others'. */
  preStop: string[];
  /** This container's effective restart policy. */
  restartPolicy: RestartPolicy;
  restartRules: RestartRule[];
  /** terminationGracePeriodSeconds. */
  grace: number;
  /** How long a main waits for its sidecars; absent: for ever. */
  startTimeout?: number;
  /** The stop signal's name, where it is known (absent: TERM). */
  stopSignal?: string;
  /** From the stop signal to KILL, for this container's process. */
  stopTimeout?: number;
  /** The container has a liveness or startup probe: the kubelet may stop it alone. */
  probed: boolean;
  /**
   * The shortest and the longest grace period of a stop that is for this container alone, where a probe has a
   * terminationGracePeriodSeconds of its own (Kubernetes 1.25); absent: {@link grace}.
   */
  aloneGrace?: AloneGrace;
  /** The pod shares the host's process namespace: a stop request has a sender that we can see. */
  hostPid: boolean;
  /**
   * Where the shim's last words go, where its command wrote nothing there: terminationMessagePath (absent: the kubelet's default), or `none`,
   * where the end of the container's log is its message (FallbackToLogsOnError): the words are there already.
   */
  terminationMessage?: string;
  log: 'info' | 'debug';
  /** A sidecar's readiness condition. */
  ready: Readiness;
  /** How long one try of it may take. */
  readyTimeout: number;
  /**
   * Where the image runs something else on other machines: whose words the first of {@link command} are, one machine after the
   * other; those that come after are everybody's.
   */
  byMachine?: MachineWords[];
  /** What the container would have run. */
  command: string[];
}

/** `started`: a startup probe's question, asked inside the container that it is about (rule L18). Times are milliseconds. */
export interface StartedOptions {
  role: 'started';
  name: string;
  run: string;
  /** How long the command must have run. */
  delay: number;
  /** What must hold besides: one try of it. */
  ready: Readiness;
  /** How long that try may take. */
  readyTimeout: number;
}

/** `status`: what the pod's shims have told each other, for people and programs. */
export interface StatusOptions {
  role: 'status';
  run: string;
  output: 'text' | 'json';
}

/** What a container's shim must know to take its place in the rendezvous, and to say there that it has ended. */
export type Identity = Pick<
  ContainerOptions,
  'role' | 'name' | 'run' | 'preStop' | 'restartPolicy' | 'restartRules' | 'probed'
>;

export type ShimOptions = InstallOptions | ContainerOptions | StartedOptions | StatusOptions;
