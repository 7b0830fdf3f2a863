import type { ImageAnswer, ImageRequest } from './images.ts';
import type { Mutation } from './mutation.ts';
import type { Policy } from './policy.ts';

export type { MutatedContainer, Mutation, Reason } from './mutation.ts';
export { REASONS } from './mutation.ts';

/**
 * Which images must be looked up before {@link mutate} can decide. Empty when none is.
 * @param pod any JSON value
 */
export function imagesWanted(_pod: unknown, _policy: Policy): ImageRequest[] {
  return [];
}

/**
 * Decide about a pod and write the patch. Pure; never throws, whatever JSON value it gets.
 * @param images answers to {@link imagesWanted}, by the container's name
 */
export function mutate(_pod: unknown, _policy: Policy, _images: ReadonlyMap<string, ImageAnswer>): Mutation {
  return {
    outcome: 'unchanged',
    reason: 'no-known-sidecar',
    message: 'The pod has no known sidecar.',
    operations: [],
    warnings: [],
    containers: [],
  };
}
