/** The objects that Curfew reads and writes at the API server, with their parsers. Pure. */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { KubernetesError } from './error.ts';

/** A namespaced object's name. */
export interface ObjectName {
  namespace: string;
  name: string;
}

/** A Secret as it was read. */
export interface StoredSecret {
  /** Opaque. A write with it fails when the object has changed since. */
  resourceVersion: string;
  /** Decoded texts by key. */
  data: ReadonlyMap<string, string>;
}

/** A MutatingWebhookConfiguration as it was read. */
export interface StoredConfiguration {
  resourceVersion: string;
  /** A caBundle is PEM, decoded; empty where none is set. */
  webhooks: readonly { name: string; caBundle: string }[];
}

/** `conflict`: the object has changed since it was read, so it must be read again. */
export type Written = 'written' | 'conflict';

/** An object to watch. */
export type Watched =
  | { kind: 'secret'; namespace: string; name: string }
  | { kind: 'configuration'; name: string };

export const toBase64 = (text: string) => Buffer.from(text).toString('base64');

/** The `data` of a Secret. A key with undefined becomes null, which removes it. */
export function encodeData(data: ReadonlyMap<string, string | undefined>): Record<string, string | null> {
  return Object.fromEntries(
    [...data].map(([key, text]) => [key, text === undefined ? null : toBase64(text)]),
  );
}

/** @throws {KubernetesError} `malformed` */
export function parseSecret(object: JsonRecord, action: string): StoredSecret {
  const data = member(object, 'data') ?? {};
  if (!isRecord(data)) throw new KubernetesError('malformed', action, 'data is not an object');
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(data)) {
    if (typeof value === 'string') texts.set(key, Buffer.from(value, 'base64').toString('utf8'));
  }
  return { resourceVersion: versionOf(object, action), data: texts };
}

/** @throws {KubernetesError} `malformed` */
export function parseConfiguration(object: JsonRecord, action: string): StoredConfiguration {
  const webhooks = member(object, 'webhooks') ?? [];
  if (!Array.isArray(webhooks)) throw new KubernetesError('malformed', action, 'webhooks is not a list');
  return {
    resourceVersion: versionOf(object, action),
    webhooks: webhooks.map((webhook: unknown) => {
      const config = isRecord(webhook) ? (member(webhook, 'clientConfig') ?? {}) : undefined;
      const name = isRecord(webhook) ? member(webhook, 'name') : undefined;
      if (!isRecord(config) || typeof name !== 'string') {
        throw new KubernetesError('malformed', action, 'a webhook has no name or no clientConfig');
      }
      const bundle = member(config, 'caBundle');
      const caBundle = typeof bundle === 'string' ? Buffer.from(bundle, 'base64').toString('utf8') : '';
      return { name, caBundle };
    }),
  };
}

function versionOf(object: JsonRecord, action: string): string {
  const metadata = member(object, 'metadata');
  const version = isRecord(metadata) ? member(metadata, 'resourceVersion') : undefined;
  if (typeof version !== 'string' || version === '') {
    throw new KubernetesError('malformed', action, 'the object has no resourceVersion');
  }
  return version;
}
