import packageFile from '../../package.json' with { type: 'json' };
import { CATALOGUE } from './catalogue.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import type { ClusterVersion, Mode } from './mode.ts';

/** This Curfew's version, as in package.json. */
export const VERSION: string = packageFile.version;

/** Kubernetes quantities. */
interface Resources {
  cpu: string;
  memory: string;
}

/** The settings of an installation, which no pod can change. */
export interface Policy {
  version: string;
  shim: {
    image: string;
    imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined;
    resources: { requests: Resources; limits: Resources };
  };
  /** The sidecars that are known without an annotation. The first match counts. */
  catalogue: readonly KnownSidecar[];
  /** For pods that ask for none of their own (N1). */
  mode: Mode;
  /** For pods that say none of their own (L4); milliseconds, undefined: mains wait for ever. */
  startTimeout: number | undefined;
  /** The cluster that the pods are for. */
  cluster: ClusterVersion;
  /** Why nothing can be decided by it: the namespace's own settings are wrong (V5). One clause, with the way out. */
  unusable?: string | undefined;
}

/** Any part of a policy, for {@link defaultPolicy}. */
interface PolicyOverrides {
  version?: string;
  shim?: {
    image?: string;
    imagePullPolicy?: Policy['shim']['imagePullPolicy'];
    resources?: { requests?: Partial<Resources>; limits?: Partial<Resources> };
  };
  catalogue?: readonly KnownSidecar[];
  mode?: Mode;
  startTimeout?: number | undefined;
  cluster?: ClusterVersion;
}

/** The policy of an installation that configures nothing but the overrides. */
export function defaultPolicy(overrides: PolicyOverrides = {}): Policy {
  const version = overrides.version ?? VERSION;
  const shim = overrides.shim ?? {};
  return {
    version,
    shim: {
      image: shim.image ?? `ghcr.io/curfew-dev/curfew-shim:${version}`,
      imagePullPolicy: shim.imagePullPolicy,
      resources: {
        requests: { cpu: '10m', memory: '16Mi', ...shim.resources?.requests },
        limits: { cpu: '100m', memory: '32Mi', ...shim.resources?.limits },
      },
    },
    catalogue: overrides.catalogue ?? CATALOGUE,
    mode: overrides.mode ?? 'shim',
    startTimeout: overrides.startTimeout,
    cluster: overrides.cluster ?? { server: undefined },
  };
}
