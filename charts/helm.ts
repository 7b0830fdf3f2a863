/** Runs Helm to render the chart. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const CHART = join(import.meta.dirname, 'curfew');

/** The settings of a rendering. The release is called curfew. */
interface Rendering {
  namespace: string;
  /** The cluster's version, which templates read from Capabilities. */
  kubeVersion: string;
  /** More flags of `helm template`. */
  flags: string[];
}

/** The result of a run of Helm. */
export interface HelmResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Run Helm without a cluster, also where the environment names one. Never throws for its exit code. */
export function helm(program: string, args: string[]): HelmResult {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: '/nonexistent' },
  });
  if (error !== undefined) throw error;
  return { code: status ?? 1, stdout, stderr };
}

/** Render the manifests. Helm may refuse. */
export function template(program: string, { namespace, kubeVersion, flags }: Rendering): HelmResult {
  const options = ['--namespace', namespace, '--kube-version', kubeVersion, ...flags];
  return helm(program, ['template', 'curfew', CHART, ...options]);
}
