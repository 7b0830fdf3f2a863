/**
 * The ConfigMaps of one name, in all namespaces: a list and then a watch, both by `metadata.name`, which RBAC can grant by resourceNames. Each
 * answer is parsed object by object, with bounds on its size and time.
 *
 * Import this file lazily (`await import`), as client.ts.
 */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import { KubernetesError } from './error.ts';
import { ListItems } from './list-items.ts';
import { connect, type KubernetesRequests } from './request.ts';
import { WatchEvents } from './watch-events.ts';

/** A ConfigMap as it was read. */
export interface StoredConfigMap {
  namespace: string;
  uid: string;
  /** Opaque; another one after each change. */
  resourceVersion: string;
  /** As it came. */
  data: unknown;
}

/** Every call rejects only with a {@link KubernetesError}. */
export interface ConfigMapsOfName {
  /** All of them, from what the API server has in memory, and the version from which to watch. */
  list(): Promise<{ found: StoredConfigMap[]; resourceVersion: string }>;
  /**
   * @param seen is called with each one that is new, has changed or was deleted
   * @returns when the server ends the watch, as it does every few minutes @throws {KubernetesError} `expired`: list again
   */
  watch(
    resourceVersion: string,
    seen: (change: 'stored' | 'deleted', map: StoredConfigMap) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Milliseconds for a list. */
const LIST_DEADLINE = 30_000;
/** After this time the API server ends a watch. The client does so 30 s later, in case the connection was lost unnoticed. */
const WATCH_SECONDS = 300;
const PATH = '/api/v1/configmaps';

/**
 * @param env the process's environment, as for `connectKubernetes`
 * @param stop ends every call
 * @throws {KubernetesError} `no-cluster`
 */
export async function connectConfigMaps(
  env: NodeJS.ProcessEnv,
  name: string,
  stop: AbortSignal,
): Promise<ConfigMapsOfName> {
  return configMapsOver(connect(env, stop), name, stop);
}

function configMapsOver(server: KubernetesRequests, name: string, stop: AbortSignal): ConfigMapsOfName {
  const selector = `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
  return {
    list: async () => {
      const action = `list configmaps/${name} in all namespaces`;
      const items = new ListItems();
      const found: StoredConfigMap[] = [];
      const path = `${PATH}?${selector}&resourceVersion=0`;
      const received = (piece: Buffer) => {
        found.push(
          ...parsed(action, () => items.push(piece)).map((object) => parseConfigMap(object, action)),
        );
      };
      const request = { action, method: 'GET' as const, path, deadline: LIST_DEADLINE };
      await server.stream(request, { begun: () => {}, received }, stop);
      const list = parsed(action, () => items.end());
      return { found, resourceVersion: textAt(metadataOf(list), 'resourceVersion', action) };
    },
    watch: (resourceVersion, seen, signal) => {
      const action = `watch configmaps/${name} in all namespaces`;
      const events = new WatchEvents(action);
      const since = `resourceVersion=${encodeURIComponent(resourceVersion)}`;
      const path = `${PATH}?watch=true&timeoutSeconds=${WATCH_SECONDS}&${selector}&${since}`;
      return server.stream(
        { action, method: 'GET', path, deadline: (WATCH_SECONDS + 30) * 1000 },
        {
          begun: () => {},
          received: (piece) => {
            for (const { type, object } of events.take(piece))
              seen(type === 'DELETED' ? 'deleted' : 'stored', parseConfigMap(object, action));
          },
        },
        signal,
      );
    },
  };
}

/** @throws {KubernetesError} `malformed`, `too-long` */
function parsed<T>(action: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new KubernetesError('malformed', action, 'the answer is not the JSON of a list');
    if (error instanceof RangeError) throw new KubernetesError('too-long', action, error.message);
    throw error;
  }
}

function parseConfigMap(object: JsonRecord, action: string): StoredConfigMap {
  const metadata = metadataOf(object);
  return {
    namespace: textAt(metadata, 'namespace', action),
    uid: textAt(metadata, 'uid', action),
    resourceVersion: textAt(metadata, 'resourceVersion', action),
    data: member(object, 'data'),
  };
}

function metadataOf(object: JsonRecord): JsonRecord {
  const metadata = member(object, 'metadata');
  return isRecord(metadata) ? metadata : {};
}

function textAt(metadata: JsonRecord, key: string, action: string): string {
  const value = member(metadata, key);
  if (typeof value === 'string' && value !== '') return value;
  throw new KubernetesError('malformed', action, `an object has no metadata.${key}`);
}
