/** The chart as the real Helm renders it. */
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { fetchClients } from '../../charts/clients.ts';
import { CHART, type HelmResult, helm, template } from '../../charts/helm.ts';

/** The newest Kubernetes that `@kubernetes/client-node` knows, and the oldest that the chart supports. */
export const NEWEST = '1.36.0';
export const OLDEST = '1.20.0';
export const NAMESPACE = 'curfew-system';
export const GOLDEN = join(import.meta.dirname, 'golden');

const OBJECT = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().exactOptional() }),
});
export type RenderedObject = z.output<typeof OBJECT>;

const { helm: program } = await fetchClients();

/** Render for a cluster of this version, with flags of `helm template`. Helm may refuse. */
export function render(flags: string[] = [], kubeVersion = NEWEST): HelmResult {
  return template(program, { namespace: NAMESPACE, kubeVersion, flags });
}

/** Flags that set values: `a.b=c`. */
export const set = (...pairs: string[]): string[] => pairs.flatMap((pair) => ['--set', pair]);

export function lint(flags: string[]): HelmResult {
  return helm(program, ['lint', '--strict', CHART, ...flags]);
}

/** Parse a manifest as Helm and kubectl do, with YAML 1.1: `no` and `0123` are not texts there. */
export function objectsOf(manifest: string): RenderedObject[] {
  return parseAllDocuments(manifest, { version: '1.1' })
    .map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS();
    })
    .filter((object) => object !== null)
    .map((object) => OBJECT.parse(object));
}

/** Render values that Helm must accept. */
export function objects(flags: string[] = [], kubeVersion = NEWEST): RenderedObject[] {
  const { code, stdout, stderr } = render(flags, kubeVersion);
  if (code !== 0) throw new Error(stderr);
  return objectsOf(stdout);
}

/** Render a release of another name, in another namespace, for the newest Kubernetes. */
export function objectsNamed(release: string, namespace: string, flags: string[]): RenderedObject[] {
  const options = ['--namespace', namespace, '--kube-version', NEWEST, ...flags];
  const { code, stdout, stderr } = helm(program, ['template', release, CHART, ...options]);
  if (code !== 0) throw new Error(stderr);
  return objectsOf(stdout);
}

/** The one object of a kind. */
export function one(all: RenderedObject[], kind: string): RenderedObject {
  const found = all.filter((object) => object.kind === kind);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} objects of kind ${kind}`);
  return first;
}

/** A part of an object by its path with dots. A number is an index of a list. */
export function partOf(object: unknown, path: string): unknown {
  let found = object;
  for (const step of path.split('.')) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}
