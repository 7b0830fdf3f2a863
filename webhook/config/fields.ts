/** The kinds of values that the configuration's keys take, each with the words that help and messages say of it. */
import { z } from 'zod';
import { parseDuration } from '../../shim/duration.ts';
import { parseReference } from '../registry/image-reference.ts';
import { parseQuantity } from '../shared/quantity.ts';
import { amountUpTo } from './duration-pattern.ts';

/**
 * What a key means and what it takes, for help and messages.
 * @param pattern for the chart's values.schema.json, where a refinement says more than a JSON schema can: a regular
 *   expression that refuses much of what the key does not take, and nothing that it does
 */
export const meta = (help: string, allowed: string, pattern?: string) => ({
  description: help,
  allowed,
  ...(pattern === undefined ? {} : { pattern }),
});
export const text = (help: string, allowed: string) => z.string().min(1).max(1024).meta(meta(help, allowed));
export const port = (help: string) =>
  z.int().min(0).max(65_535).meta(meta(help, 'a port, 1 to 65535 (0: any free one)'));
export const image = (help: string) =>
  z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9[][A-Za-z0-9._\-/:@[\]]*$/)
    .refine(isReference)
    .meta(meta(help, 'an image reference such as ghcr.io/curfew-dev/curfew-shim:0.1.0'));

function isReference(value: string): boolean {
  try {
    parseReference(value);
    return true;
  } catch {
    return false;
  }
}

/** See quantity.ts. */
const QUANTITY =
  '^[+]?([0-9]{1,30}([.][0-9]{0,30})?|[.][0-9]{1,30})([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?$';
const quantity = (help: string, example: string) =>
  z
    .string()
    .refine((value) => (parseQuantity(value) ?? 0) > 0)
    .meta(meta(help, `a quantity above 0 as a text, such as "${example}"`, QUANTITY));
export const cpu = (help: string) => quantity(help, '10m');
export const memory = (help: string) => quantity(help, '16Mi');

/** See shim/duration.ts. */
const UNITS = Object.fromEntries(['ms', 's', 'm', 'h'].map((unit) => [unit, parseDuration(`1${unit}`) ?? 0]));

/** A duration, kept as milliseconds. */
export function duration(help: string, least: string, most: string) {
  const [from, to] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  return z
    .string()
    .refine((value) => {
      const ms = parseDuration(value);
      return ms !== undefined && ms >= from && ms <= to;
    })
    .transform((value) => parseDuration(value) ?? 0)
    .meta(
      meta(
        help,
        `a duration from ${least} to ${most}, such as ${least === '0s' ? '5s' : '10s'}`,
        `^(0|${amountUpTo(to, UNITS)}+)$`,
      ),
    );
}

export const names = (help: string, allowed: string) =>
  z
    .array(z.string().min(1).max(256).meta(meta('', 'a text')))
    .min(1)
    .max(64)
    .meta(meta(help, allowed));
