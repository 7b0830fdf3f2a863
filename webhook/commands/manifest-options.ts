/** The flags that `inject` and `explain` share. */
import { MODES } from '../decision/mode.ts';
import type { PodTemplates } from '../manifest/pods.ts';
import { UsageError } from '../shared/usage-error.ts';
import { MAX_INPUT_MIB } from './manifest-input.ts';

export const MANIFEST_OPTIONS = {
  filename: { type: 'string', short: 'f', multiple: true },
  recursive: { type: 'boolean', short: 'R' },
  'pod-template': { type: 'string', multiple: true, complete: 'nothing' },
  'shim-image': { type: 'string', complete: 'nothing' },
  config: { type: 'string' },
  'no-lookup': { type: 'boolean' },
  mode: { type: 'string', choices: MODES },
  'kubernetes-version': { type: 'string', complete: 'nothing' },
} as const;

export const MANIFEST_FLAGS = `  -f, --filename FILE    a file, or a folder for its .yaml, .yml and .json files; - is standard input; may be given
                         several times; ${MAX_INPUT_MIB} MiB in all
  -R, --recursive        with the folders in a folder
  --pod-template KIND:PATH
                         where a kind that is not known keeps its pod template: Rollout:spec.template, or with its API
                         group Rollout.argoproj.io:spec.template; * stands for every item of a list or member of a map;
                         may be given several times
  --shim-image IMAGE     image of the shim
  --config FILE          the webhook's configuration: its shim, catalogue and images keys count here too
  --mode MODE            shim, native (sidecars become native ones: Kubernetes 1.29) or auto (native where every kubelet has
                         them and nothing is lost); default: the configuration's, else shim. A pod's own annotation counts more
  --kubernetes-version V the cluster's version, for --mode auto and to check native: 1.33
  --no-lookup            ask no registry for the command of a container that sets none`;

/** What the exit codes mean that both commands have. */
export const MANIFEST_EXIT_CODES = `2 when an argument or a file cannot be used, or a document cannot be read that says it holds a pod;
3 when another document cannot be read; 4 when the output cannot be written.`;

const TEMPLATE =
  /^([A-Z][A-Za-z0-9]{0,62}(?:\.[a-z0-9][-a-z0-9.]{0,252})?):((?:[A-Za-z][A-Za-z0-9]*|\*)(?:\.(?:[A-Za-z][A-Za-z0-9]*|\*))*)$/;

/** @throws {UsageError} */
export function parseTemplates(flags: readonly string[] | undefined): PodTemplates {
  return new Map(
    (flags ?? []).map((flag) => {
      const [, kind, path] = TEMPLATE.exec(flag) ?? [];
      if (kind === undefined || path === undefined)
        throw new UsageError(
          `--pod-template ${JSON.stringify(flag.slice(0, 64))} is not KIND:PATH, as in Rollout:spec.template`,
        );
      return [kind, path.split('.')];
    }),
  );
}
