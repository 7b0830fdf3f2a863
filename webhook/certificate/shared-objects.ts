/** The two objects that all replicas share, the Secret and the webhook configuration: reads, writes, and the log of their failures. */
import type { Kubernetes } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import type { StoredSecret, Written } from '../kubernetes/objects.ts';
import type { FailureLog } from '../shared/failure-log.ts';
import { type Bundle, parseBundles } from './ca-bundle.ts';
import { type AuthorityState, formatState, NOTHING, parseState } from './secret-state.ts';

/** The names of the objects. */
export interface ObjectNames {
  namespace: string;
  secret: string;
  webhookConfiguration: string;
}

/** The result of a call that failed, or its value. */
type Attempt<T> = { done: true; value: T } | { done: false };

/** The caBundles of a webhook configuration, and its version. */
export interface ReadBundles {
  resourceVersion: string;
  bundles: Bundle[];
}

export class SharedObjects {
  private readonly kubernetes: Kubernetes;
  private readonly names: ObjectNames;
  private readonly failures: FailureLog;

  constructor(kubernetes: Kubernetes, names: ObjectNames, failures: FailureLog) {
    this.kubernetes = kubernetes;
    this.names = names;
    this.failures = failures;
  }

  readSecret(): Promise<Attempt<StoredSecret | undefined>> {
    const { namespace, secret: name } = this.names;
    return this.attempt('read the Secret', () => this.kubernetes.readSecret({ namespace, name }));
  }

  /** The Secret's content. A part that does not parse is reported, and counts as missing. */
  parseSecret(secret: StoredSecret | undefined): AuthorityState {
    const what = 'understand the Secret';
    if (secret === undefined) return NOTHING;
    const { state, problems } = parseState(secret);
    const { namespace, secret: name } = this.names;
    if (problems.length === 0) this.failures.clear(what);
    else {
      const list = problems.join('; ');
      this.failures.report(
        what,
        `secrets/${name} in namespace ${namespace} is damaged and is written again: ${list}`,
      );
    }
    return state;
  }

  /** @param secret as it was read; undefined: it is created */
  async writeSecret(secret: StoredSecret | undefined, state: AuthorityState): Promise<Written | 'failed'> {
    const name = { namespace: this.names.namespace, name: this.names.secret };
    const data = formatState(state);
    const result = await this.attempt('write the Secret', () =>
      secret === undefined
        ? this.kubernetes.createSecret(name, data)
        : this.kubernetes.patchSecret(name, secret.resourceVersion, data),
    );
    return result.done ? result.value : 'failed';
  }

  /** @returns undefined where the configuration cannot be read; `missing` where it does not exist, or has no webhooks */
  async readBundles(): Promise<ReadBundles | 'missing' | undefined> {
    const { webhookConfiguration: name } = this.names;
    const read = await this.attempt('read the webhook configuration', () =>
      this.kubernetes.readConfiguration(name),
    );
    if (!read.done) return undefined;
    const bundles = read.value === undefined ? [] : parseBundles(read.value);
    const what = 'find the webhook configuration';
    if (read.value !== undefined && bundles.length > 0) {
      this.failures.clear(what);
      return { resourceVersion: read.value.resourceVersion, bundles };
    }
    const lacking = read.value === undefined ? 'does not exist' : 'has no webhooks';
    const hint = 'apply it, or name the right one in tls.selfManaged.webhookConfiguration';
    this.failures.report(
      what,
      `mutatingwebhookconfigurations/${name} ${lacking}, so no pod is reviewed: ${hint}`,
    );
    return 'missing';
  }

  /** Give these webhooks the caBundle (PEM). */
  async writeBundle(
    resourceVersion: string,
    webhooks: readonly string[],
    caBundle: string,
  ): Promise<Written | 'failed'> {
    const { webhookConfiguration: name } = this.names;
    const result = await this.attempt('write the caBundle', () =>
      this.kubernetes.patchCaBundle(name, resourceVersion, webhooks, caBundle),
    );
    return result.done ? result.value : 'failed';
  }

  /** Report whether another writer keeps setting the caBundle back. */
  reportContested(contested: boolean): void {
    const what = 'keep the caBundle';
    if (!contested) {
      this.failures.clear(what);
      return;
    }
    const { webhookConfiguration: name } = this.names;
    const hint = 'leave the field out of what you apply, and let no other controller inject it';
    this.failures.report(
      what,
      `another writer keeps setting the caBundle of mutatingwebhookconfigurations/${name} back: ${hint}`,
    );
  }

  private async attempt<T>(what: string, call: () => Promise<T>): Promise<Attempt<T>> {
    try {
      const value = await call();
      this.failures.clear(what);
      return { done: true, value };
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      this.failures.report(what, error.message);
      return { done: false };
    }
  }
}
