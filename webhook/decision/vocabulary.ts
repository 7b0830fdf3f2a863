/** Every key and name that a user writes or reads on a pod or a namespace. The prefix stands here and nowhere else. */

export const PREFIX = 'curfew.dev';

/** Namespace label: {@link INJECTION_ENABLED} opts the namespace in. */
export const INJECTION_LABEL = `${PREFIX}/injection`;
export const INJECTION_ENABLED = 'enabled';

/** Pod label: `"false"` opts a pod out, `"true"` opts in one that would be passed over. */
export const INJECT_LABEL = `${PREFIX}/inject`;

/** Pod annotations. */
export const SIDECARS = `${PREFIX}/sidecars`;
export const MAINS = `${PREFIX}/mains`;
export const START_TIMEOUT = `${PREFIX}/start-timeout`;
export const LOG = `${PREFIX}/log`;
/** Written by the webhook, never by a user. */
export const STATUS = `${PREFIX}/status`;

/** The domains of the per-container annotations: `<domain>/<container>`. */
export const ENTRYPOINT = `entrypoint.${PREFIX}`;
export const READY = `ready.${PREFIX}`;
export const STOP_SIGNAL = `stop-signal.${PREFIX}`;
export const STOP_TIMEOUT = `stop-timeout.${PREFIX}`;

type ContainerDomain = typeof ENTRYPOINT | typeof READY | typeof STOP_SIGNAL | typeof STOP_TIMEOUT;

/**
 * The key of a per-container annotation.
 * @example containerKey(READY, 'istio-proxy') // 'ready.curfew.dev/istio-proxy'
 */
export function containerKey(domain: ContainerDomain, container: string): string {
  return `${domain}/${container}`;
}

/** Is this label or annotation key one of ours: `curfew.dev/...` or `something.curfew.dev/...`? */
export function isOurs(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < PREFIX.length || !key.startsWith(PREFIX, slash - PREFIX.length)) return false;
  return slash === PREFIX.length || key.charAt(slash - PREFIX.length - 1) === '.';
}

/** Names of what the webhook adds to a pod. */
export const INSTALL_CONTAINER = 'curfew-install';
export const BIN_VOLUME = 'curfew-bin';
export const RUN_VOLUME = 'curfew-run';
export const OUR_VOLUMES: readonly string[] = [BIN_VOLUME, RUN_VOLUME];
