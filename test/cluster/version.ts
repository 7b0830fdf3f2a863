/** The cluster's Kubernetes version, for tests that only some versions can run. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The minor version of Kubernetes 1, from the kubelet. */
export function minorVersion(): number {
  const kubelet = join(process.env.K8S_BIN ?? '', 'kubelet');
  const version = execFileSync(kubelet, ['--version'], { encoding: 'utf8' });
  const minor = /^Kubernetes v1\.(\d+)/.exec(version)?.[1];
  if (minor === undefined) throw new Error(`${kubelet} --version says ${version}`);
  return Number(minor);
}

/** Whether pods can reach Services: the rig starts kube-proxy where it is with the other programs. */
export function hasKubeProxy(): boolean {
  return existsSync(process.env.KUBE_PROXY ?? join(process.env.K8S_BIN ?? '', 'kube-proxy'));
}
