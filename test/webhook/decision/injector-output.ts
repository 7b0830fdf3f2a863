/**
 * Pods after other injectors: injectors/<name>.pod.yaml, each the pod after injection, in the shape that Istio, Linkerd and Vault
 * give it (the file's head names the source). The pod before, and the injection of any other pod, are read off it.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import type { TestContainer, TestPod } from './mutated-pod.ts';

const FOLDER = join(import.meta.dirname, 'injectors');
const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'] as const;

export interface InjectorOutput {
  /** The file's: `istio-hold`. */
  name: string;
  /** The file's text. */
  text: string;
  /** A fresh copy of the pod after injection. */
  after(): TestPod;
  /** The pod as its author wrote it. */
  before(): TestPod;
  /**
   * Do to a pod what the injector did to {@link before}: its containers in their places, its volumes, mounts, annotations, labels and
   * rewritten probes. What is there already stays as it is, as the real ones leave it.
   */
  inject(pod: TestPod): TestPod;
  /** Give the injector's containers their own fields again, as one does that renders its template anew on each call. */
  render(pod: TestPod): TestPod;
}

/** Is it one that an injector adds? */
export function isInjected({ name }: { name: string }): boolean {
  return /^(istio-|linkerd-|vault-agent)/.test(name);
}

export const INJECTOR_OUTPUTS: readonly InjectorOutput[] = globSync(join(FOLDER, '*.pod.yaml'))
  .sort()
  .map((file) => outputOf(basename(file, '.pod.yaml'), readFileSync(file, 'utf8')));

/** One of them by its name. */
export function injectorOutput(name: string): InjectorOutput {
  const found = INJECTOR_OUTPUTS.find((output) => output.name === name);
  if (found === undefined) throw new Error(`no file injectors/${name}.pod.yaml`);
  return found;
}

function outputOf(name: string, text: string): InjectorOutput {
  const after = () => plainCopy(parse(text));
  const injected = after();
  return {
    name,
    text,
    after,
    before: () => withoutInjection(after()),
    inject: (pod) => withInjection(pod, injected),
    render: (pod) => {
      const copy = plainCopy(pod);
      for (const list of [copy.spec.containers, copy.spec.initContainers ?? []])
        list.forEach((one, i) => {
          const own = [...injected.spec.containers, ...(injected.spec.initContainers ?? [])].find(
            (item) => item.name === one.name && isInjected(item),
          );
          if (own !== undefined) list[i] = structuredClone(own);
        });
      return copy;
    },
  };
}

function withoutInjection(pod: TestPod): TestPod {
  const { volumes: _, initContainers = [], containers, ...rest } = pod.spec;
  const probers = probersOf(pod);
  const own = (list: TestContainer[]) =>
    list.flatMap((one) => (isInjected(one) ? [] : [originalProbes(withoutMounts(one), probers)]));
  const inits = own(initContainers);
  const { annotations: __, labels: ___, ...metadata } = pod.metadata;
  return {
    ...pod,
    metadata,
    spec: {
      ...rest,
      ...(inits.length > 0 ? { initContainers: inits } : {}),
      containers: own(containers),
    },
  };
}

/** Every mount of the files' own containers is an injector's. */
function withoutMounts({ volumeMounts: _, ...container }: TestContainer): TestContainer {
  return container;
}

/** Istio keeps the probes that it rewrote in its proxy's environment. */
function probersOf(pod: TestPod): Record<string, unknown> {
  const proxy = pod.spec.containers.find(({ name }) => name === 'istio-proxy');
  const env = proxy?.env;
  const found: unknown = Array.isArray(env)
    ? env.find((variable: { name: string }) => variable.name === 'ISTIO_KUBE_APP_PROBERS')?.value
    : undefined;
  return typeof found === 'string' ? JSON.parse(found) : {};
}

function originalProbes(container: TestContainer, probers: Record<string, unknown>): TestContainer {
  const copy = { ...container };
  for (const probe of PROBES) {
    const path = pathOf(copy[probe]);
    if (path !== undefined && Object.hasOwn(probers, path)) copy[probe] = probers[path];
  }
  return copy;
}

function pathOf(probe: unknown): string | undefined {
  const text = /"path":"([^"]*)"/.exec(JSON.stringify(probe ?? null));
  return text?.[1];
}

function withInjection(pod: TestPod, injected: TestPod): TestPod {
  const copy = plainCopy(pod);
  const { metadata, spec } = copy;
  metadata.annotations = { ...metadata.annotations, ...injected.metadata.annotations };
  metadata.labels = { ...metadata.labels, ...injected.metadata.labels };
  const initContainers = placed(spec.initContainers ?? [], injected.spec.initContainers ?? []);
  if (initContainers.length > 0) spec.initContainers = initContainers;
  spec.containers = placed(spec.containers, injected.spec.containers);
  const present = new Set((spec.volumes ?? []).map(({ name }) => name));
  spec.volumes = [
    ...(spec.volumes ?? []),
    ...(injected.spec.volumes ?? []).filter(({ name }) => !present.has(name)).map(plainCopy),
  ];
  // Vault mounts its secrets in whatever it finds, Curfew's init container too.
  const mounts = injected.spec.containers.find((one) => !isInjected(one))?.volumeMounts ?? [];
  for (const one of [...spec.containers, ...initContainers])
    if (!isInjected(one)) {
      const missing = mounts.filter(({ name }) => !one.volumeMounts?.some((mount) => mount.name === name));
      if (missing.length > 0) one.volumeMounts = [...(one.volumeMounts ?? []), ...missing.map(plainCopy)];
    }
  for (const one of spec.containers) {
    const rewritten = injected.spec.containers.find(({ name }) => name === one.name);
    // Istio rewrites HTTP, TCP and gRPC probes, and leaves one that runs a command alone (pkg/kube/inject, app_probe.go).
    for (const probe of PROBES)
      if (rewritten?.[probe] !== undefined && !isInjected(one) && !isExec(one[probe]))
        one[probe] = plainCopy(rewritten[probe]);
  }
  return copy;
}

function isExec(probe: unknown): boolean {
  return typeof probe === 'object' && probe !== null && 'exec' in probe;
}

/** The injector's own before and after all that is there, as they stand around the file's own. */
function placed(present: TestContainer[], injected: readonly TestContainer[]): TestContainer[] {
  const names = new Set(present.map(({ name }) => name));
  const added = (list: readonly TestContainer[]) =>
    list.filter((one) => isInjected(one) && !names.has(one.name)).map(plainCopy);
  const first = injected.findIndex((one) => !isInjected(one));
  const split = Math.max(first, 0);
  return [...added(injected.slice(0, split)), ...present, ...added(injected.slice(split))];
}

/** Without what YAML's anchors share. */
function plainCopy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
