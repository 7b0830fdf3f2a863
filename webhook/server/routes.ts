/** The paths of the webhook: one for each value of the namespace label, so that the value is known without a right to read namespaces (N1). */
import { MODES, type Mode } from '../decision/mode.ts';
import { INJECTION_AUDIT, INJECTION_ENABLED } from '../decision/vocabulary.ts';

/** What a path says of the pods that are sent to it. */
export interface Route {
  /** The value of the namespace label. */
  label: string;
  path: string;
  /** Undefined: the configuration's. */
  mode?: Mode;
  /** Nothing is changed, and it is only said what would be. */
  audit?: true;
}

export const ROUTES: readonly Route[] = [
  { label: INJECTION_ENABLED, path: '/mutate' },
  ...MODES.map((mode) => ({ label: mode, path: `/mutate/${mode}`, mode })),
  { label: INJECTION_AUDIT, path: '/mutate/audit', audit: true },
];
