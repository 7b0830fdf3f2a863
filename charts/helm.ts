/** The real Helm, rendering the chart. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const CHART = join(import.meta.dirname, 'curfew');

/** What is rendered: a release called curfew. */
export interface Rendering {
  namespace: string;
  /** The cluster's version, which Capabilities tells. */
  kubeVersion: string;
  /** More of `helm template`'s. */
  flags: string[];
}

/** What a program said. */
export interface HelmResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Run Helm without a cluster, whatever the environment names. Never throws for its exit code. */
export function helm(program: string, args: string[]): HelmResult {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: '/nonexistent' },
  });
  if (error !== undefined) throw error;
  return { code: status ?? 1, stdout, stderr };
}

/** The rendered manifests, or what Helm complains of. */
export function template(program: string, { namespace, kubeVersion, flags }: Rendering): HelmResult {
  const options = ['--namespace', namespace, '--kube-version', kubeVersion, ...flags];
  return helm(program, ['template', 'curfew', CHART, ...options]);
}
