/** What a pod becomes for a reason; `refused if it asks`: the pod asks by annotation or label, else it stays unchanged. */
type Becomes = 'wrapped' | 'converted' | 'unchanged' | 'refused if it asks' | 'refused';

/** One reason, for docs/reference/reasons.md. */
interface Meaning {
  becomes: Becomes;
  /** One sentence: when it is given. */
  means: string;
}

/** Why a pod was wrapped, left alone or refused: a label of logs and metrics, so the list is closed. */
export const REASON_MEANINGS = {
  wrapped: { becomes: 'wrapped', means: 'The pod was wrapped.' },
  'wrapped-again': {
    becomes: 'wrapped',
    means:
      'An earlier run has wrapped the pod or turned its sidecars into native ones, and it was changed since, as by another webhook.',
  },
  'already-wrapped': {
    becomes: 'unchanged',
    means: 'An earlier run has wrapped the pod, and nothing changed since.',
  },
  converted: { becomes: 'converted', means: 'The sidecars were turned into native ones.' },
  'converted-again': {
    becomes: 'converted',
    means:
      'An earlier run has turned the sidecars into native ones or wrapped the pod, and it was changed since.',
  },
  'already-converted': {
    becomes: 'unchanged',
    means: 'An earlier run has turned the sidecars into native ones, and nothing changed since.',
  },
  'invalid-pod': {
    becomes: 'unchanged',
    means: 'A field that Curfew reads has a value that the API server refuses as well.',
  },
  'mirror-pod': { becomes: 'unchanged', means: 'The pod only shows what a node runs already.' },
  windows: { becomes: 'unchanged', means: 'The pod runs on Windows, and the shim on Linux.' },
  'opted-out': { becomes: 'unchanged', means: 'The label `curfew.dev/inject` is `"false"`.' },
  'restart-policy-always': {
    becomes: 'unchanged',
    means: 'The restartPolicy is Always, and neither the label nor an annotation asks for Curfew.',
  },
  'native-sidecar': {
    becomes: 'unchanged',
    means: 'The sidecar is a native one, which Kubernetes itself ends.',
  },
  'no-known-sidecar': {
    becomes: 'unchanged',
    means: 'No container is in the catalogue, and no annotation names a sidecar.',
  },
  'near-miss': {
    becomes: 'unchanged',
    means:
      'A container has the name or the image of a known sidecar, but not both; the message has the annotation to write.',
  },
  'no-sidecar': { becomes: 'unchanged', means: 'The annotation `curfew.dev/mains` lists every container.' },
  'no-shim-for-machine': {
    becomes: 'unchanged',
    means: 'The node selector or required node affinity allows only machines for which there is no shim.',
  },
  'too-many-containers': {
    becomes: 'refused if it asks',
    means: 'The pod has more containers than Curfew wraps.',
  },
  'no-main': {
    becomes: 'refused if it asks',
    means: 'Every container is a sidecar, so nothing would tell when the work is done.',
  },
  'name-taken': {
    becomes: 'refused if it asks',
    means: 'The pod has a container or volume with a name that Curfew adds.',
  },
  'path-taken': {
    becomes: 'refused if it asks',
    means: "A container mounts something where Curfew's volumes go.",
  },
  'status-too-long': {
    becomes: 'refused if it asks',
    means: "The containers' commands are too long for the annotation that keeps them.",
  },
  'sidecar-never-ends': {
    becomes: 'refused if it asks',
    means: 'The kubelet would start a sidecar again after the work, by its own restart policy or rules.',
  },
  'image-lookup-off': {
    becomes: 'refused if it asks',
    means:
      'Only the image knows the command, and `images.mode` or `images.hosts` keeps its registry from being asked.',
  },
  'image-not-found': {
    becomes: 'refused if it asks',
    means: 'The registry has no such image, or the imagePullPolicy is Never and nothing is remembered.',
  },
  'image-unauthorized': {
    becomes: 'refused if it asks',
    means: 'The registry refused each credential that may be tried.',
  },
  'image-unreachable': {
    becomes: 'refused if it asks',
    means: 'The registry, or what gives a credential for it, could not be reached or failed.',
  },
  'image-timeout': { becomes: 'refused if it asks', means: 'The registry did not answer in time.' },
  'image-unusable': {
    becomes: 'refused if it asks',
    means: 'The reference or the image is not one that a Linux container can run from.',
  },
  'no-command': {
    becomes: 'refused if it asks',
    means: 'Neither the container nor its image has a command.',
  },
  'native-unavailable': {
    becomes: 'refused',
    means: 'The mode is native, and a kubelet of the cluster may be too old for native sidecars.',
  },
  'native-not-allowed': {
    becomes: 'refused if it asks',
    means:
      'The mode is native, and a sidecar has a field that a native one cannot have; `auto` takes the shim then.',
  },
  'needs-native': {
    becomes: 'refused',
    means: 'The pod asks for something that only native mode can do, and the shim is what it gets.',
  },
  'bad-annotation': {
    becomes: 'refused',
    means: "An annotation's value does not parse, or says another command than the wrapped container runs.",
  },
  'bad-label': {
    becomes: 'refused',
    means: 'The label `curfew.dev/inject` is neither `"true"` nor `"false"`.',
  },
  'unknown-annotation': {
    becomes: 'refused',
    means: "An annotation under Curfew's prefix means nothing to it.",
  },
  'unknown-label': { becomes: 'refused', means: "A label under Curfew's prefix means nothing to it." },
  'sidecars-and-mains': {
    becomes: 'refused',
    means: 'The annotations `curfew.dev/sidecars` and `curfew.dev/mains` exclude each other.',
  },
  'no-such-container': {
    becomes: 'refused',
    means: 'An annotation names a container that the pod does not have.',
  },
  'post-start-order': {
    becomes: 'refused',
    means:
      'The annotation `curfew.dev/sidecars` lists an order in which a postStart hook would wait for a container that is created after it.',
  },
  'bad-settings': {
    becomes: 'refused',
    means:
      'The ConfigMap `curfew-settings` of the pod\'s namespace is wrong, and the pod has an annotation, the label `"true"` or more than one container.',
  },
  'bad-status': {
    becomes: 'refused',
    means: 'The annotation `curfew.dev/status` does not parse, and containers run the shim already.',
  },
  'half-wrapped': {
    becomes: 'refused',
    means: 'A container runs the shim, and nothing says what it would run without it.',
  },
} as const satisfies Readonly<Record<string, Meaning>>;

export type Reason = keyof typeof REASON_MEANINGS;

/** Every reason. */
export const REASONS: readonly Reason[] = Object.keys(REASON_MEANINGS).filter((key) => isReason(key));

function isReason(key: string): key is Reason {
  return Object.hasOwn(REASON_MEANINGS, key);
}
