/**
 * What namespaces set for their own pods (V5). Their ConfigMaps are listed and watched, so that no review waits for the API server. Of one that is
 * wrong it is kept why, so that the pods of its namespace can be refused with that.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError } from '../config/error.ts';
import { type NamespaceSettings, parseNamespaceSettings } from '../config/namespace-settings.ts';
import { SETTINGS_NAME } from '../config/settings-name.ts';
import type { Policy } from '../decision/policy.ts';
import { KnownImages } from '../images/known-images.ts';
import type { ConfigMapsOfName, StoredConfigMap } from '../kubernetes/config-maps.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import { BackOff } from '../shared/back-off.ts';
import { type FailureListener, FailureLog } from '../shared/failure-log.ts';

/** What a namespace changes of the policy: its catalogue and times, or why no pod of it can be decided. */
export type OwnPolicy = Partial<Pick<Policy, 'catalogue' | 'startTimeout' | 'unusable'>>;

export interface SettingsListener extends FailureListener {
  /** All were read for the first time. */
  read(): void;
  /** How many namespaces have settings. */
  counted(namespaces: { used: number; wrong: number }): void;
  /** They were read, and are wrong. @param uid the ConfigMap's */
  wrong(namespace: string, uid: string, message: string): void;
  /** A list or a watch could not be had or ended with an error; both are tried again. */
  readFailed(): void;
  /** A fault of Curfew; it is tried again. */
  unexpected(error: unknown): void;
}

/** Time, for tests. Milliseconds, monotonic. */
export interface Timers {
  now(): number;
  later(ms: number, run: () => void): void;
}

const TIMERS: Timers = {
  now: () => performance.now(),
  later: (ms, run) => {
    setTimeout(run, ms).unref();
  },
};

/** The settings of more namespaces are not taken. */
const MAX_NAMESPACES = 1_000;
/** Of one namespace, one text is parsed in this time: somebody who changes it all the time takes no time from the others. */
const PARSE_INTERVAL_MS = 5_000;
const LONGEST_PAUSE_MS = 10_000;
/** A watch that lasted this long was successful. */
const SUCCESSFUL_WATCH_MS = 5_000;

type Verb = 'list' | 'watch';
const whatOf = (verb: Verb) => `${verb} the settings of namespaces`;

/** One namespace. */
interface Entry {
  /** The version that was seen last; empty: it is deleted. */
  version: string;
  /** What is to be parsed. */
  next: StoredConfigMap | undefined;
  parsedAt: number;
  /** Undefined: it has none, or it was not parsed yet. */
  own: { policy: OwnPolicy; images: KnownImages | undefined } | undefined;
}

export class SettingsOfNamespaces {
  private readonly source: ConfigMapsOfName;
  private readonly policy: Policy;
  private readonly listener: SettingsListener;
  private readonly timers: Timers;
  private readonly failures: FailureLog;
  private readonly entries = new Map<string, Entry>();
  private isRead = false;

  /** @param policy the configuration's, to which a namespace adds */
  constructor(source: ConfigMapsOfName, policy: Policy, listener: SettingsListener, timers = TIMERS) {
    this.source = source;
    this.policy = policy;
    this.listener = listener;
    this.timers = timers;
    this.failures = new FailureLog(listener, timers.now);
  }

  /** What a namespace changes of the policy. */
  policyOf(namespace: string): OwnPolicy | undefined {
    return this.entries.get(namespace)?.own?.policy;
  }

  /** The images whose commands a namespace knows. */
  readonly imagesOf = (namespace: string): KnownImages | undefined =>
    this.entries.get(namespace)?.own?.images;

  /** Why no pod can be decided yet: without the settings one would be passed over that is to be wrapped. */
  unready(): string | undefined {
    if (this.isRead) return undefined;
    const failure = this.failures.message();
    return `the settings of the namespaces are not read yet${failure === undefined ? '' : `; ${failure}`}`;
  }

  /** List and watch until `stop`. */
  async keep(stop: AbortSignal): Promise<void> {
    const backOff = new BackOff(250, LONGEST_PAUSE_MS);
    while (!stop.aborted) {
      const version = await this.attempt('list', stop, () => this.list(stop));
      const began = this.timers.now();
      if (version !== undefined) await this.attempt('watch', stop, () => this.watch(version, stop));
      if (version !== undefined && this.timers.now() - began > SUCCESSFUL_WATCH_MS) backOff.reset();
      await delay(backOff.next(), undefined, { ref: false, signal: stop }).catch(() => {});
    }
  }

  /** @returns the version from which to watch; undefined: it ends */
  private async list(stop: AbortSignal): Promise<string | undefined> {
    const { found, resourceVersion } = await this.source.list();
    if (stop.aborted) return undefined;
    this.replace(found);
    if (!this.isRead) this.listener.read();
    this.isRead = true;
    return resourceVersion;
  }

  private watch(version: string, stop: AbortSignal): Promise<void> {
    return this.source.watch(
      version,
      (change, map) => {
        this.failures.clear(whatOf('watch'));
        if (change === 'stored') this.take(map);
        else this.forget(map.namespace);
      },
      stop,
    );
  }

  /** @returns undefined where it failed */
  private async attempt<T>(verb: Verb, stop: AbortSignal, call: () => Promise<T>): Promise<T | undefined> {
    try {
      const value = await call();
      this.failures.clear(whatOf(verb));
      return value;
    } catch (error) {
      if (stop.aborted) return undefined;
      if (!(error instanceof KubernetesError)) this.listener.unexpected(error);
      // An API server keeps old versions for some minutes only, and the list comes next in any case.
      else if (verb === 'list' || error.code !== 'expired') {
        this.failures.report(whatOf(verb), error.message);
        this.listener.readFailed();
      }
      return undefined;
    }
  }

  private replace(found: readonly StoredConfigMap[]): void {
    const present = new Set(found.map(({ namespace }) => namespace));
    for (const namespace of [...this.entries.keys()])
      if (!present.has(namespace)) this.entries.delete(namespace);
    for (const map of found) this.take(map);
    this.count();
  }

  private take(map: StoredConfigMap): void {
    const { namespace, resourceVersion } = map;
    const entry = this.entries.get(namespace) ?? {
      ...{ version: '', next: undefined, own: undefined },
      parsedAt: Number.NEGATIVE_INFINITY,
    };
    if (entry.version === resourceVersion) return;
    this.entries.set(namespace, entry);
    entry.version = resourceVersion;
    const isWaiting = entry.next !== undefined;
    entry.next = map;
    if (isWaiting) return;
    const wait = entry.parsedAt + PARSE_INTERVAL_MS - this.timers.now();
    if (wait <= 0) this.parse(namespace, entry);
    else this.timers.later(wait, () => this.parse(namespace, entry));
  }

  private forget(namespace: string): void {
    const entry = this.entries.get(namespace);
    if (entry === undefined) return;
    // Kept until the next list, so that deleting it and creating it again is no way to have it parsed more often.
    Object.assign(entry, { version: '', own: undefined });
    if (entry.next !== undefined) entry.next = { ...entry.next, resourceVersion: '' };
    this.count();
  }

  private parse(namespace: string, entry: Entry): void {
    const { next } = entry;
    entry.next = undefined;
    // Deleted, or another one's turn.
    if (next === undefined || next.resourceVersion === '' || this.entries.get(namespace) !== entry) return;
    entry.parsedAt = this.timers.now();
    try {
      entry.own = undefined;
      if (this.counts().used >= MAX_NAMESPACES)
        throw new ConfigError(
          `the webhook takes the settings of ${MAX_NAMESPACES} namespaces, and there are more`,
        );
      const settings = parseNamespaceSettings(next.data);
      entry.own = { policy: this.ownPolicy(settings), images: new KnownImages(settings.images.entrypoints) };
    } catch (error) {
      // A text of somebody else's must not end the webhook, whatever it makes fail.
      if (!(error instanceof ConfigError)) this.listener.unexpected(error);
      const trouble = error instanceof ConfigError ? error.message : 'it cannot be read';
      const message = `ConfigMap ${SETTINGS_NAME} of namespace ${namespace}: ${trouble.replaceAll('\n', '; ')}`;
      entry.own = { policy: { unusable: `${message}; mend it or delete it` }, images: undefined };
      this.listener.wrong(namespace, next.uid, message);
    }
    this.count();
  }

  private ownPolicy({ catalogue: { extra }, startTimeout }: NamespaceSettings): OwnPolicy {
    return {
      ...(extra.length === 0 ? {} : { catalogue: [...extra, ...this.policy.catalogue] }),
      ...(startTimeout === undefined ? {} : { startTimeout }),
    };
  }

  private count(): void {
    this.listener.counted(this.counts());
  }

  private counts(): { used: number; wrong: number } {
    let [used, wrong] = [0, 0];
    for (const { own } of this.entries.values()) {
      if (own?.policy.unusable !== undefined) wrong++;
      else if (own !== undefined) used++;
    }
    return { used, wrong };
  }
}
