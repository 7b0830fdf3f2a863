/**
 * The install session's cluster admits only restricted pods, in every namespace, also Curfew's own: by Pod Security where the server
 * has it (from 1.25 on by default), else by PodSecurityPolicy.
 */
import { mustKubectl } from '../kubectl.ts';

/** The labels of a namespace that accepts only restricted pods. PodSecurityPolicy needs none. */
export const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };

const POD_SECURITY_FROM = 25;

/** Whether a server of the kubelet's version has Pod Security instead of PodSecurityPolicy. */
function hasPodSecurity(version: string): boolean {
  const minor = /v1\.(\d+)/.exec(version)?.[1];
  if (minor === undefined) throw new Error(`no version of Kubernetes: ${version}`);
  return Number(minor) >= POD_SECURITY_FROM;
}

/** @param version the output of `kubelet --version` */
export function podSecurityFlags(version: string): { apiServer: string } {
  return { apiServer: hasPodSecurity(version) ? '' : '--enable-admission-plugins=PodSecurityPolicy' };
}

/** Allow all service accounts, which create controllers' pods, to use the restricted policy. Administrators may use any. */
export async function admitOnlyRestricted(version: string): Promise<void> {
  if (hasPodSecurity(version)) return;
  const name = 'restricted';
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: `psp-${name}` } };
  const objects = [
    {
      apiVersion: 'policy/v1beta1',
      kind: 'PodSecurityPolicy',
      metadata: { name, annotations: SECCOMP },
      spec: POLICY,
    },
    {
      ...role,
      kind: 'ClusterRole',
      rules: [
        { apiGroups: ['policy'], resources: ['podsecuritypolicies'], resourceNames: [name], verbs: ['use'] },
      ],
    },
    {
      ...role,
      kind: 'ClusterRoleBinding',
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role.metadata.name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:serviceaccounts' }],
    },
  ];
  for (const object of objects) await mustKubectl(['create', '-f', '-'], JSON.stringify(object));
}

/** The Pod Security Standards' level "restricted" as a PodSecurityPolicy. */
const SECCOMP = { 'seccomp.security.alpha.kubernetes.io/allowedProfileNames': 'runtime/default' };
const POLICY = {
  privileged: false,
  allowPrivilegeEscalation: false,
  requiredDropCapabilities: ['ALL'],
  volumes: ['configMap', 'emptyDir', 'projected', 'secret', 'downwardAPI', 'persistentVolumeClaim'],
  hostNetwork: false,
  hostIPC: false,
  hostPID: false,
  runAsUser: { rule: 'MustRunAsNonRoot' },
  seLinux: { rule: 'RunAsAny' },
  supplementalGroups: { rule: 'MustRunAs', ranges: [{ min: 1, max: 65_535 }] },
  fsGroup: { rule: 'MustRunAs', ranges: [{ min: 1, max: 65_535 }] },
};
