import type { Trouble } from './case.ts';
import type { Draft } from './draft.ts';

/** One thing that can happen. */
export interface Happening {
  /** As a reader of a trace sees it. */
  text: string;
  /** A shim's own act, with no time passing: these alone must come to an end. */
  own: boolean;
  /** It happens sooner or later if nobody is unkind. */
  fair: boolean;
  /** What it costs. */
  trouble?: Trouble;
  apply: (draft: Draft) => void;
}
