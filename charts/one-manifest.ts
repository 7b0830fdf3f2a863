/** The manifests: the chart with its defaults, for `kubectl apply -f` without Helm. One for each range of Kubernetes versions. */
import { VERSION } from '../webhook/decision/policy.ts';

/** The namespace that the manifests create. */
export const NAMESPACE = 'curfew-system';

/** A manifest, and how Helm renders it. */
export interface OneManifest {
  /** From charts/. */
  file: string;
  /** The version whose rendering it is. */
  kubeVersion: string;
  flags: readonly string[];
  /** Of its head. */
  versions: readonly string[];
}

const FLAGS = ['--skip-tests'];

export const MANIFESTS: readonly OneManifest[] = [
  {
    file: 'curfew.yaml',
    // unhealthyPodEvictionPolicy, which the chart sets from 1.31 on, is known since 1.27 (beta).
    kubeVersion: '1.31.0',
    flags: FLAGS,
    versions: ['For Kubernetes 1.30 and newer; curfew-1.20.yaml is for older ones.'],
  },
  {
    file: 'curfew-1.20.yaml',
    kubeVersion: '1.20.0',
    // policy/v1beta1 until 1.24, policy/v1 from 1.21: no version of it is known to all.
    flags: [...FLAGS, '--set', 'podDisruptionBudget.enabled=false'],
    versions: [
      'For Kubernetes 1.20 to 1.29; curfew.yaml is for newer ones. It has no matchConditions and no ValidatingAdmissionPolicy, which',
      'begin with 1.30, and no PodDisruptionBudget, whose version these do not share. This makes one:',
      `  kubectl -n ${NAMESPACE} create poddisruptionbudget curfew --selector=app.kubernetes.io/name=curfew --max-unavailable=1`,
    ],
  },
];

/** Helm's output as a manifest for kubectl: with the namespace, and without the labels that only Helm uses. */
export function oneManifest({ file, versions }: OneManifest, rendered: string): string {
  const body = rendered
    .split('\n')
    .filter((line) => !/^# Source: |^\s+(app\.kubernetes\.io\/managed-by|helm\.sh\/chart): /.test(line))
    .join('\n');
  return `${head(file, versions)}${body.startsWith('---') ? '' : '---\n'}${body}`;
}

const head = (
  file: string,
  versions: readonly string[],
) => `# Curfew ${VERSION}, whole: kubectl apply -f ${file}
# Generated from the chart beside it, with its default values (npm run generate).
${versions.map((line) => `# ${line}`).join('\n')}
# Then opt namespaces in: kubectl label namespace NAMESPACE curfew.dev/injection=enabled
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    app.kubernetes.io/name: curfew
    # What keeps the webhook from reviewing its own namespace; Kubernetes before 1.21 does not write it.
    kubernetes.io/metadata.name: ${NAMESPACE}
    pod-security.kubernetes.io/enforce: restricted
`;
