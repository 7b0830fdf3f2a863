/** `curfew.yaml`: the chart with its defaults, for `kubectl apply -f` on every Kubernetes from 1.20 on. */
import { VERSION } from '../webhook/decision/policy.ts';

/** The namespace that the manifest creates. */
export const NAMESPACE = 'curfew-system';

/**
 * The settings for Helm. Fields that not all versions know are left out: matchConditions by the version, and the PodDisruptionBudget
 * (policy/v1beta1 until 1.24, policy/v1 from 1.21) by its value.
 */
export const RENDERING = {
  namespace: NAMESPACE,
  kubeVersion: '1.20.0',
  flags: ['--skip-tests', '--set', 'podDisruptionBudget.enabled=false'],
};

const HEAD = `# Curfew ${VERSION}, whole: kubectl apply -f curfew.yaml
# Generated from the chart beside it (npm run generate). For Kubernetes 1.20 and newer; what not every one of these knows is
# left out, and the chart has it: matchConditions, and a PodDisruptionBudget, which this makes:
#   kubectl -n ${NAMESPACE} create poddisruptionbudget curfew --selector=app.kubernetes.io/name=curfew --max-unavailable=1
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

/** Helm's output as a manifest for kubectl: with the namespace, and without the labels that only Helm uses. */
export function oneManifest(rendered: string): string {
  const body = rendered
    .split('\n')
    .filter((line) => !/^# Source: |^\s+(app\.kubernetes\.io\/managed-by|helm\.sh\/chart): /.test(line))
    .join('\n');
  return `${HEAD}${body.startsWith('---') ? '' : '---\n'}${body}`;
}
