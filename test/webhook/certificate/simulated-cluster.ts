/**
 * A cluster's Secret and webhook configuration in memory, with a clock, for several reconcilers. Each call waits twice, before it
 * reaches the server and before its answer is returned, until the test lets it go on. So a test can play any interleaving, and any
 * answer can be old when it is read.
 */
import { X509Certificate } from 'node:crypto';
import { type CertificateSpec, settlingTime } from '../../../webhook/certificate/authority.ts';
import { Reconciler } from '../../../webhook/certificate/reconciler.ts';
import { authoritiesIn, type Leaf } from '../../../webhook/certificate/secret-state.ts';
import type { Kubernetes } from '../../../webhook/kubernetes/client.ts';
import { KubernetesError } from '../../../webhook/kubernetes/error.ts';
import type { StoredConfiguration, StoredSecret, Written } from '../../../webhook/kubernetes/objects.ts';

/** A replica: its reconciler, and whether it is ready. */
export interface Replica {
  reconciler: Reconciler;
  /** Its leaf has been trusted, so it gets reviews. */
  ready: boolean;
  /** The error of its clock in milliseconds. */
  skew: number;
  /** Its reconciliation, while one is under way. */
  busy: Promise<void> | undefined;
}

interface Turn {
  replica: number;
  go(): void;
}

export class SimulatedCluster {
  now = Date.UTC(2030, 0, 1);
  secret: StoredSecret | undefined;
  replicas: Replica[] = [];
  /** Every log line and event of all replicas. */
  told: string[] = [];
  /** All texts of the caBundle, each with the time until which an API server may still see it. */
  private readonly bundles: { text: string; until: number }[] = [
    { text: '', until: Number.POSITIVE_INFINITY },
  ];
  private version = 1;
  private configurationVersion = 1;
  private turns: Turn[] = [];
  private readonly spec: CertificateSpec;

  constructor(spec: CertificateSpec, replicas: number) {
    this.spec = spec;
    for (let i = 0; i < replicas; i++) this.replicas.push(this.newReplica(i));
  }

  get caBundle(): string {
    return this.bundles.at(-1)?.text ?? '';
  }

  set caBundle(text: string) {
    const last = this.bundles.at(-1);
    if (last !== undefined) last.until = this.now + settlingTime(this.spec, true);
    this.bundles.push({ text, until: Number.POSITIVE_INFINITY });
    this.configurationVersion++;
  }

  setSecret(data: ReadonlyMap<string, string> | undefined): void {
    this.secret = data && { resourceVersion: String(++this.version), data };
  }

  /** Start a reconciliation where none is under way. */
  begin(index: number): void {
    const replica = this.replicas[index];
    if (replica === undefined || replica.busy !== undefined) return;
    replica.busy = replica.reconciler.reconcile().then(() => {
      const { served } = replica.reconciler;
      replica.ready ||= served !== undefined && replica.reconciler.isTrusted(served.issuer);
      replica.busy = undefined;
    });
  }

  /** Let one of the waiting calls go on by one stage. */
  async letGo(pick: number): Promise<void> {
    const [turn] = this.turns.splice(pick % Math.max(1, this.turns.length), 1);
    turn?.go();
    await settled();
  }

  /** Reconcile all replicas, each to its end, until nothing changes any more. */
  async quiet(): Promise<void> {
    for (let last = -1; last !== this.version + this.configurationVersion; ) {
      last = this.version + this.configurationVersion;
      for (const index of this.replicas.keys()) this.begin(index);
      while (this.replicas.some(({ busy }) => busy !== undefined)) await this.letGo(0);
    }
  }

  /** Replace a replica by a new one that remembers nothing. The calls of the old one never return. */
  restart(index: number, skew: number): void {
    this.turns = this.turns.filter(({ replica }) => replica !== index);
    this.replicas[index] = this.newReplica(index);
    const replica = this.replicas[index];
    if (replica !== undefined) replica.skew = skew;
  }

  /** What is wrong with the served leaves, for an API server whose cache is as old as it may be. */
  faults(): string[] {
    const visible = this.bundles.filter(({ until }) => until >= this.now);
    return this.replicas.flatMap(({ ready, reconciler: { served } }, index) => {
      if (!ready || served === undefined || served.notAfter < this.now) return [];
      return visible
        .filter(({ text }) => !verifies(served, text))
        .map(() => `replica ${index} serves a leaf that a visible caBundle does not trust`);
    });
  }

  private newReplica(index: number): Replica {
    const say = (...words: unknown[]) => void this.told.push(JSON.stringify(words));
    const clocks = {
      now: () => this.now + (this.replicas[index]?.skew ?? 0),
      monotonic: () => this.now,
    };
    const reconciler = new Reconciler(
      this.client(index),
      { namespace: 'curfew', secret: 'curfew-tls', webhookConfiguration: 'curfew', spec: this.spec },
      {
        leaf: () => {},
        secretWritten: say,
        caBundleWritten: say,
        configurationRead: () => {},
        failure: say,
        recovered: say,
      },
      clocks,
    );
    return { reconciler, ready: false, skew: 0, busy: undefined };
  }

  private client(replica: number): Kubernetes {
    const turn = () => new Promise<void>((go) => this.turns.push({ replica, go }));
    const call = async <T>(act: () => T): Promise<T> => {
      await turn();
      const answer = act();
      await turn();
      return answer;
    };
    const write = (matches: () => boolean, act: () => void) =>
      call<Written>(() => {
        if (!matches()) return 'conflict';
        act();
        return 'written';
      });
    const never = () =>
      Promise.reject(new KubernetesError('refused', 'do that', 'it is not part of the test'));
    return {
      readSecret: () => call(() => this.secret),
      createSecret: (_name, data) =>
        write(
          () => this.secret === undefined,
          () => this.setSecret(merged(new Map(), data)),
        ),
      patchSecret: (_name, version, data) =>
        write(
          () => this.secret?.resourceVersion === version,
          () => this.setSecret(merged(this.secret?.data ?? new Map(), data)),
        ),
      readConfiguration: () =>
        call<StoredConfiguration>(() => ({
          resourceVersion: String(this.configurationVersion),
          webhooks: [{ name: 'pods.curfew.dev', caBundle: this.caBundle }],
        })),
      patchCaBundle: (_name, version, _webhooks, text) =>
        write(
          () => String(this.configurationVersion) === version,
          () => {
            this.caBundle = text;
          },
        ),
      watch: never,
      readVersion: () => Promise.resolve('v1.36.0'),
      createEvent: never,
    };
  }
}

/** Whether a client that trusts only `caBundle` accepts the leaf. */
export function verifies(leaf: Leaf, caBundle: string): boolean {
  const certificate = new X509Certificate(leaf.cert);
  return authoritiesIn(caBundle).some(({ cert }) => {
    const authority = new X509Certificate(cert);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
}

function merged(
  old: ReadonlyMap<string, string>,
  data: ReadonlyMap<string, string | undefined>,
): Map<string, string> {
  const next = new Map(old);
  for (const [key, value] of data) {
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  return next;
}

/** Wait until all microtasks have run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
