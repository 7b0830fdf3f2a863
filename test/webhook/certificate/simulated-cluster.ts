/**
 * A cluster's Secret and configuration in memory, with a clock, for several replicas of the agreement: each call waits
 * twice, before it reaches the server and before its answer is heard, until the test lets it go on. So any interleaving
 * can be played, and any answer can be old when it is read.
 */
import { X509Certificate } from 'node:crypto';
import { Agreement } from '../../../webhook/certificate/agreement.ts';
import { settlingTime, type Terms } from '../../../webhook/certificate/authority.ts';
import { authoritiesIn, type Leaf } from '../../../webhook/certificate/secret-state.ts';
import type {
  Kubernetes,
  StoredConfiguration,
  StoredSecret,
  Written,
} from '../../../webhook/kubernetes/client.ts';
import { KubernetesError } from '../../../webhook/kubernetes/error.ts';

/** A replica: its agreement, and what it would answer a readiness probe. */
export interface Replica {
  agreement: Agreement;
  /** Its leaf was trusted once: it gets reviews. */
  ready: boolean;
  /** How far its clock is off, ms. */
  skew: number;
  /** Its round, while one is under way. */
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
  /** What the caBundle was, and until when an API server may still see it. */
  private readonly bundles: { text: string; until: number }[] = [
    { text: '', until: Number.POSITIVE_INFINITY },
  ];
  private version = 1;
  private configurationVersion = 1;
  private turns: Turn[] = [];
  private readonly terms: Terms;

  constructor(terms: Terms, replicas: number) {
    this.terms = terms;
    for (let i = 0; i < replicas; i++) this.replicas.push(this.newReplica(i));
  }

  get caBundle(): string {
    return this.bundles.at(-1)?.text ?? '';
  }

  set caBundle(text: string) {
    const last = this.bundles.at(-1);
    if (last !== undefined) last.until = this.now + settlingTime(this.terms, true);
    this.bundles.push({ text, until: Number.POSITIVE_INFINITY });
    this.configurationVersion++;
  }

  setSecret(data: ReadonlyMap<string, string> | undefined): void {
    this.secret = data && { resourceVersion: String(++this.version), data };
  }

  /** Begin a round where none is under way. */
  begin(index: number): void {
    const replica = this.replicas[index];
    if (replica === undefined || replica.busy !== undefined) return;
    replica.busy = replica.agreement.round().then(() => {
      const { served } = replica.agreement;
      replica.ready ||= served !== undefined && replica.agreement.isTrusted(served.issuer);
      replica.busy = undefined;
    });
  }

  /** Let one of the waiting calls go on by one stage. */
  async letGo(pick: number): Promise<void> {
    const [turn] = this.turns.splice(pick % Math.max(1, this.turns.length), 1);
    turn?.go();
    await settled();
  }

  /** Rounds of everybody, each to its end, until one of all changes nothing. */
  async quiet(): Promise<void> {
    for (let last = -1; last !== this.version + this.configurationVersion; ) {
      last = this.version + this.configurationVersion;
      for (const index of this.replicas.keys()) this.begin(index);
      while (this.replicas.some(({ busy }) => busy !== undefined)) await this.letGo(0);
    }
  }

  /** A replica's end, and another in its place: with nothing in memory. Its calls are never heard of again. */
  restart(index: number, skew: number): void {
    this.turns = this.turns.filter(({ replica }) => replica !== index);
    this.replicas[index] = this.newReplica(index);
    const replica = this.replicas[index];
    if (replica !== undefined) replica.skew = skew;
  }

  /** What is wrong with what is served now, as an API server sees it that is as far behind as any may be. */
  faults(): string[] {
    const visible = this.bundles.filter(({ until }) => until >= this.now);
    return this.replicas.flatMap(({ ready, agreement: { served } }, index) => {
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
      steady: () => this.now,
    };
    const agreement = new Agreement(
      this.client(index),
      { namespace: 'curfew', secret: 'curfew-tls', webhookConfiguration: 'curfew', terms: this.terms },
      { leaf: () => {}, wrote: say, trusted: say, trouble: say, recovered: say },
      clocks,
    );
    return { agreement, ready: false, skew: 0, busy: undefined };
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
      createEvent: never,
    };
  }
}

/** As a client does that trusts nothing but `caBundle`. */
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

/** Whatever follows from what has happened has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
