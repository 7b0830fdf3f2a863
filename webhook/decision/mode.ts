/**
 * The two mechanisms, and how one of them is asked for (rule N1): `shim` runs every container under the shim, `native` turns the sidecars into
 * Kubernetes' own, and `auto` takes the second where every kubelet has it and nothing is lost.
 */

export const MODES = ['shim', 'native', 'auto'] as const;
export type Mode = (typeof MODES)[number];

/** What a pod was decided to become. */
export type Mechanism = Exclude<Mode, 'auto'>;

export function parseMode(text: string): Mode | undefined {
  return MODES.find((mode) => mode === text);
}

/** A Kubernetes minor version: 1.29 is 29. Nothing but 1 comes before the point. */
export type Minor = number;

/** From the feature gate's beta on, where it is on by default (KEP-753). */
const NATIVE_FROM: Minor = 29;

/** What is known of the cluster that decides between the mechanisms. */
export interface ClusterVersion {
  /** The API server's. */
  server: Minor | undefined;
  /** The oldest kubelet's, where somebody has said it; else it is reckoned from the API server's. */
  leastKubelet?: Minor | undefined;
  /** Nobody can be asked, as on a command line: who says native is believed. */
  isOffline?: boolean;
}

/** Has every kubelet native sidecars? */
export interface NativeSupport {
  available: boolean;
  /** Half a sentence that says why, without a full stop. */
  why: string;
}

/**
 * Whether every kubelet of a cluster has native sidecars (N7). A kubelet may be three minor versions older than the API server, and before
 * 1.28 two (kubernetes.io/releases/version-skew-policy).
 */
export function nativeSupport({ server, leastKubelet, isOffline = false }: ClusterVersion): NativeSupport {
  if (server === undefined && leastKubelet === undefined)
    return {
      available: false,
      why: `the version of the API server is not known${isOffline ? ': give --kubernetes-version' : ''}`,
    };
  if (server !== undefined && server < NATIVE_FROM)
    return { available: false, why: `Kubernetes ${shown(server)} has no native sidecars, 1.29 has` };
  if (leastKubelet !== undefined)
    return leastKubelet >= NATIVE_FROM
      ? {
          available: true,
          why: `the configuration says that no kubelet is older than ${shown(leastKubelet)}`,
        }
      : {
          available: false,
          why: `the configuration says that a kubelet may be ${shown(leastKubelet)}, which has no native sidecars`,
        };
  const least = (server ?? 0) - 3;
  return least >= NATIVE_FROM
    ? { available: true, why: `every kubelet of Kubernetes ${shown(server ?? 0)} has native sidecars` }
    : {
        available: false,
        why: `with an API server of ${shown(server ?? 0)} a kubelet may be ${shown(least)}, where native sidecars are not sure`,
      };
}

function shown(minor: Minor): string {
  return `1.${minor}`;
}

/**
 * A version as `/version` or a person gives it.
 * @example parseMinor('v1.32.4-gke.100') // 32
 * @returns undefined where it is none of Kubernetes 1
 */
export function parseMinor(text: string): Minor | undefined {
  const [, minor] = /^v?1\.([0-9]{1,3})(?:[.+-].*)?$/s.exec(text) ?? [];
  return minor === undefined ? undefined : Number(minor);
}
