/** Every key and name that a user writes or reads on a pod or a namespace. The prefix stands here and nowhere else. */
import { MODES } from './mode.ts';

export const PREFIX = 'curfew.dev';

/** Namespace label: {@link INJECTION_ENABLED} opts the namespace in, and so does a mode; {@link INJECTION_AUDIT} only says what would be. */
export const INJECTION_LABEL = `${PREFIX}/injection`;
export const INJECTION_ENABLED = 'enabled';
export const INJECTION_AUDIT = 'audit';

/** Pod label: `"false"` opts a pod out, `"true"` opts in one that would be passed over. */
export const INJECT_LABEL = `${PREFIX}/inject`;

/** Pod annotations. */
export const SIDECARS = `${PREFIX}/sidecars`;
export const MAINS = `${PREFIX}/mains`;
export const START_TIMEOUT = `${PREFIX}/start-timeout`;
export const LOG = `${PREFIX}/log`;
export const MODE = `${PREFIX}/mode`;
export const SIDECARS_BEFORE = `${PREFIX}/sidecars-before`;
/** Written by the webhook, never by a user. */
export const STATUS = `${PREFIX}/status`;

/** The domains of the per-container annotations: `<domain>/<container>`. */
export const ENTRYPOINT = `entrypoint.${PREFIX}`;
export const READY = `ready.${PREFIX}`;
export const STOP_SIGNAL = `stop-signal.${PREFIX}`;
export const STOP_TIMEOUT = `stop-timeout.${PREFIX}`;

/** The part of a per-container annotation before the slash. */
export type ContainerDomain = typeof ENTRYPOINT | typeof READY | typeof STOP_SIGNAL | typeof STOP_TIMEOUT;

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

/** A label or annotation, as docs/reference/annotations.md lists it. */
export interface Word {
  where: 'namespace label' | 'pod label' | 'pod annotation' | 'pod annotation, written by the webhook';
  /** With {@link perContainer}: the domain before `/<container>`. */
  key: string;
  perContainer: boolean;
  /** Values that it takes, as they stand in a manifest; messages show them. */
  examples: readonly string[];
  meaning: string;
}

const annotation = (key: string, examples: readonly string[], meaning: string): Word => ({
  ...{ where: 'pod annotation', key, perContainer: false, examples, meaning },
});
const containerAnnotation = (key: ContainerDomain, examples: readonly string[], meaning: string): Word => ({
  ...{ where: 'pod annotation', key, perContainer: true, examples, meaning },
});

/** Every label and annotation that means something to Curfew. */
export const VOCABULARY: readonly Word[] = [
  {
    where: 'namespace label',
    key: INJECTION_LABEL,
    perContainer: false,
    examples: [INJECTION_ENABLED, ...MODES, INJECTION_AUDIT],
    meaning:
      '`enabled` opts the namespace in; so does a mode (see `curfew.dev/mode`), for its pods; `audit` changes nothing and says what would be',
  },
  {
    where: 'pod label',
    key: INJECT_LABEL,
    perContainer: false,
    examples: ['"false"', '"true"'],
    meaning:
      '`"false"` opts one pod out, `"true"` opts in a pod that would be passed over (restartPolicy Always)',
  },
  annotation(
    SIDECARS,
    ['cloud-sql-proxy, vault-agent'],
    'names of the sidecars, in start order; every other container is a main',
  ),
  annotation(
    MAINS,
    ['app'],
    'names of the mains; every other container is then a sidecar: known ones start first, in the order of the catalogue, the others in the order of the spec',
  ),
  annotation(
    START_TIMEOUT,
    ['2m'],
    "how long a main waits for its sidecars (default: the configuration's `startTimeout`, else for ever); then it exits 124",
  ),
  annotation(
    MODE,
    [...MODES],
    "how the sidecars come to end (default: the namespace's, else the configuration's, which is `shim` by default): `shim` runs each container under the shim, `native` turns the sidecars into native ones (Kubernetes 1.29), `auto` takes the second where every kubelet has them and nothing is lost",
  ),
  annotation(
    SIDECARS_BEFORE,
    ['init'],
    'native mode: the sidecars start before the ordinary init containers, which can then use them (default: after them)',
  ),
  annotation(LOG, ['debug'], "`debug`: the shim tells every step in the container's log (default: `info`)"),
  containerAnnotation(
    ENTRYPOINT,
    ['["/program", "--flag"]'],
    "JSON array: the command to run, in place of the image's ENTRYPOINT and of the spec's `command`; no registry is asked",
  ),
  containerAnnotation(
    READY,
    ['http://:15021/healthz/ready', 'tcp://:5432', 'exec: pg_isready', 'none'],
    "when a sidecar counts as started (default: its own startupProbe, else its own readinessProbe, else the catalogue's endpoint, at the port that its flags, environment or ports say, else as soon as it runs)",
  ),
  containerAnnotation(
    STOP_SIGNAL,
    ['INT'],
    "the stop signal (default: the image's STOPSIGNAL, else the catalogue's, else TERM); the container's `lifecycle.stopSignal` counts more",
  ),
  containerAnnotation(
    STOP_TIMEOUT,
    ['20s'],
    'from the stop signal to KILL (default: until the grace period ends)',
  ),
  {
    where: 'pod annotation, written by the webhook',
    key: STATUS,
    perContainer: false,
    examples: [],
    meaning: 'JSON: version, what was wrapped, what each container ran before',
  },
];
