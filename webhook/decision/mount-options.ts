import { BIN_DIR } from '../../shim/protocol.ts';
import { type JsonRecord, member } from '../shared/json.ts';
import type { MountView } from './container.ts';
import type { Mount } from './install.ts';
import type { Plan } from './plan.ts';
import { BIN_VOLUME, INSTALL_CONTAINER } from './vocabulary.ts';

/** A mount's field with options of the bind mount (KEP-5855, Kubernetes 1.37): `noexec`, `nodev`, `nosuid`. */
const OPTIONS = 'bindMountOptions';
const NOEXEC = 'noexec';

/** Whether another webhook took from a container the right to execute the shim. */
export function forbidsShim({ path, raw }: Pick<MountView, 'path' | 'raw'>): boolean {
  return path === BIN_DIR && optionsOf(raw).includes(NOEXEC);
}

/** Our mount as it must read where this one stands: another webhook's options stay, but for the one that the shim cannot be started with. */
export function repairedMount({ path, raw }: MountView, wanted: Mount): Mount & JsonRecord {
  const options = optionsOf(raw).filter((option) => option !== NOEXEC || path !== BIN_DIR);
  return { ...wanted, ...(options.length > 0 ? { [OPTIONS]: options } : {}) };
}

/** W8: what a policy asked for, and does not get. */
export function warnOfNoexec({ earlier, parts }: Plan, warn: (text: string) => void): void {
  const names = parts
    .filter(({ details }) => details.mounts.some(forbidsShim))
    .map(({ container }) => container.name);
  if (earlier.install?.mounts.some(forbidsShim)) names.unshift(INSTALL_CONTAINER);
  if (names.length > 0)
    warn(
      `${OPTIONS} of volume ${BIN_VOLUME} had ${NOEXEC} in ${names.join(', ')}, where the shim is executed: it was removed; ` +
        `let the policy that writes it leave out volume ${BIN_VOLUME}`,
    );
}

function optionsOf(raw: JsonRecord): unknown[] {
  const options = member(raw, OPTIONS);
  return Array.isArray(options) ? options : [];
}
