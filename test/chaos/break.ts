import type { Plan } from './plan.ts';

/** A bug that is put in on purpose. */
export interface Break {
  /** What the chaos must say: one of these. */
  rules: readonly string[];
  what: string;
  file: string;
  /** Stands there once. */
  from: string;
  to: string;
  /** In which seeds' plans it can show, or in which named scenario. */
  where: ((plan: Plan) => boolean) | string;
}
