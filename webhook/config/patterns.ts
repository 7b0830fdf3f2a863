/** Lists of patterns (decision/pattern.ts): one that nothing can match is an error, because its sidecar would never be known. */
import { z } from 'zod';
import { imagePatternTrouble, namePatternTrouble } from '../decision/pattern.ts';
import { meta } from './fields.ts';

/** Container names, `*` for any characters. */
export const namePatterns = (help: string, allowed: string) =>
  patterns(help, allowed, namePatternTrouble, '^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?$');

/** Ends of image repositories, `*` for any characters but `/`. */
export const imagePatterns = (help: string, allowed: string) =>
  patterns(help, allowed, imagePatternTrouble, '^[a-z0-9*]([a-z0-9*._:/-]*[a-z0-9*])?$');

function patterns(
  help: string,
  allowed: string,
  trouble: (pattern: string) => string | undefined,
  expression: string,
) {
  const pattern = z
    .string()
    .max(512)
    .check(({ value, issues }) => {
      const message = trouble(value);
      if (message !== undefined) issues.push({ code: 'custom', input: value, message });
    })
    .meta(meta('', 'a pattern of at most 512 characters', expression));
  return z.array(pattern).min(1).max(64).meta(meta(help, allowed));
}
