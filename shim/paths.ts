/** Where the shim and the rendezvous stand in a pod, and in the shim's image. */

/** Where the volume with the shim is mounted, read-only. */
export const BIN_DIR = '/curfew/bin';
/** Where the rendezvous is mounted, read-write. */
export const RUN_DIR = '/curfew/run';
/** The kubelet's default terminationMessagePath. */
export const MESSAGE_PATH = '/dev/termination-log';
/** In place of such a path: nothing is written. */
export const NO_MESSAGE = 'none';
/** The shim's file name in {@link BIN_DIR}. */
export const SHIM_NAME = 'curfew-shim';
/** The shim as a wrapped container runs it. */
export const SHIM_PATH = `${BIN_DIR}/${SHIM_NAME}`;
/** The shim in its own image, as the init container runs it. */
export const SHIM_IMAGE_PATH = `/${SHIM_NAME}`;
