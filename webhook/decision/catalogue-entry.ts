/** What the catalogue says of a known sidecar. */

/**
 * One well-known sidecar: plain data (it may also come from the configuration file). A container is this sidecar when
 * its name matches one of {@link names} AND its image's repository ends with one of {@link images}: a name alone may be
 * anybody's, and an image alone may do a main's work (a Job that runs `vault kv get`).
 */
export interface KnownSidecar {
  /** Container names that its injector or its documentation uses; `*` stands for any characters (pattern.ts). */
  names: readonly string[];
  /**
   * Ends of image repositories, cut at a `/`: `istio/proxyv2` or `proxyv2` matches `registry.local/mirror/istio/proxyv2:1.2`.
   * `*` stands for any characters but `/`.
   */
  images: readonly string[];
  /** Start order: lower starts first (and stops last). Network proxies 10, secrets 20, databases 30, telemetry 40. Default 50. */
  order?: number;
  /**
   * Readiness of a container without a probe of its own, in the notation of `ready.curfew.dev/<container>`. `none`: the mains never
   * wait for it, whatever probe it has.
   */
  ready?: string;
  /** What the container itself says of {@link ready}. */
  settings?: ReadySettings;
  /** Its own startup and readiness probes are not asked, because they hold only when the app answers, and the app waits for it. */
  ignoreProbes?: boolean;
  /** The image's STOPSIGNAL where it is not TERM. */
  stopSignal?: string;
  /** The image's ENTRYPOINT, so that no image is looked up. */
  entrypoint?: readonly string[];
  /** The image's CMD; known only together with {@link entrypoint}. Without it a container with neither command nor args is looked up. */
  cmd?: readonly string[];
  /** What is no near miss by itself (near-miss.ts). */
  vague?: Vague;
  /** Names that the configuration took out (`catalogue.disabled`): their containers are no near misses either. */
  disabled?: readonly string[];
}

/**
 * How a container says where its readiness endpoint is. Each is a flag (`--http-port`; one dash or two), an environment variable
 * (`CSQL_PROXY_HTTP_PORT`) or the name of a declared port (`:linkerd-admin`). The first that is set counts.
 */
export interface ReadySettings {
  /** Its port, or its address with the port: `8080`, `:8080`, `[::]:8080`. */
  port?: readonly string[];
  /** Its address. */
  host?: readonly string[];
  /** It is there only where one of these is set, to something else than false. */
  onlyWith?: readonly string[];
  /** It listens on all of the pod's addresses where none is set, so that the kubelet can ask it; else on the loopback address alone. */
  isOpen?: boolean;
  /** It is not there where the pod has this annotation with this value. */
  unless?: readonly [annotation: string, value: string];
}

/** What fits too many containers to be a hint by itself. */
export interface Vague {
  /** Those of the names, as they are written there. */
  names?: readonly string[];
  /**
   * The image does other work too: it is a hint only where one of these is among the words of command and args, or, where its own program runs,
   * of its tag (`24-dind`).
   */
  imageWithout?: readonly string[];
}

export const DEFAULT_ORDER = 50;

/** A sidecar that Curfew brings along, with where its facts come from. */
export interface CataloguedSidecar extends KnownSidecar {
  /** What it is called in the documentation's list. */
  what: string;
  /** The repository or the page whose files say all that the entry does: `owner/name: file, file`. */
  source: string;
}
