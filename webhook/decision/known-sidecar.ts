/**
 * One well-known sidecar: plain data (it may also come from the configuration file). A container is this sidecar when
 * its name is among {@link names} AND its image's repository ends with one of {@link images}.
 */
export interface KnownSidecar {
  /** Container names that its injector or its documentation uses. */
  names: readonly string[];
  /** Ends of image repositories, cut at a `/`: `istio/proxyv2` or `proxyv2` matches `registry.local/mirror/istio/proxyv2:1.2`. */
  images: readonly string[];
  /** Start order: lower starts first (and stops last). Network proxies 10, secrets 20, databases 30, telemetry 40. Default 50. */
  order?: number;
  /** Readiness, in the notation of `ready.curfew.dev/<container>`. */
  ready?: string;
  /** The image's STOPSIGNAL where it is not TERM. */
  stopSignal?: string;
  /** The image's ENTRYPOINT, so that no image is looked up. */
  entrypoint?: readonly string[];
  /** The image's CMD; known only together with {@link entrypoint}. Without it a container with neither command nor args is looked up. */
  cmd?: readonly string[];
}

export const DEFAULT_ORDER = 50;

/**
 * An image reference's repository: without tag and digest.
 * @example imageRepository('localhost:5000/istio/proxyv2:1.2@sha256:0') // 'localhost:5000/istio/proxyv2'
 */
export function imageRepository(image: string): string {
  const at = image.indexOf('@');
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
}

/** The first entry of the catalogue that this container is; undefined when it is none. */
export function knownSidecar(
  catalogue: readonly KnownSidecar[],
  name: string,
  image: string | undefined,
): KnownSidecar | undefined {
  if (image === undefined) return undefined;
  for (const known of catalogue) {
    if (!known.names.includes(name)) continue;
    const repository = imageRepository(image);
    for (const end of known.images) if (repository === end || repository.endsWith(`/${end}`)) return known;
  }
  return undefined;
}
