/**
 * What the two programs agree on: the webhook writes these paths and flags into a pod, the shim reads them there.
 * Both import this file; neither knows more of the other. (What the shims tell each other is in `marker.ts`.)
 */
export { parseShimArguments, shimFlags } from './command-line.ts';
export { parseIdentity } from './container-arguments.ts';
export { UsageError } from './flags.ts';
export type {
  AloneGrace,
  ContainerOptions,
  Identity,
  InstallOptions,
  RestartPolicy,
  RestartRule,
  ShimOptions,
  StartedOptions,
  StatusOptions,
} from './options.ts';
export {
  BIN_DIR,
  MESSAGE_PATH,
  NO_MESSAGE,
  RUN_DIR,
  SHIM_IMAGE_PATH,
  SHIM_NAME,
  SHIM_PATH,
} from './paths.ts';
export { formatReadiness, parseReadiness, parseStringArray, type Readiness } from './readiness-condition.ts';
