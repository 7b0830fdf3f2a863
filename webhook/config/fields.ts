/** The kinds of values in the configuration, each with its texts for the help and for messages. */
import { z } from 'zod';
import { formatDuration, MAX_DURATION_MS, parseDuration } from '../../shim/duration.ts';
import { VERSION } from '../decision/policy.ts';
import { parseReference } from '../registry/image-reference.ts';
import { parseQuantity } from '../shared/quantity.ts';

/**
 * The texts of a key.
 * @param help what it means
 * @param allowed what it takes
 * @param pattern for the chart's values.schema.json, where a JSON schema cannot express a refinement: a regular expression that
 *   matches every allowed value, and few others
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
    .meta(meta(help, `an image reference such as ghcr.io/curfew-dev/curfew-shim:${VERSION}`));

function isReference(value: string): boolean {
  try {
    parseReference(value);
    return true;
  } catch {
    return false;
  }
}

/** The pattern in quantity.ts, in the dialect of all JSON schema implementations. */
const QUANTITY =
  '^[+]?([0-9]{1,30}([.][0-9]{0,30})?|[.][0-9]{1,30})([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?$';
const quantity = (help: string, example: string) =>
  z
    .string()
    .refine((value) => (parseQuantity(value) ?? 0) > 0)
    .meta(meta(help, `a quantity above 0 as a text, such as "${example}"`, QUANTITY));
export const cpu = (help: string) => quantity(help, '10m');
export const memory = (help: string) => quantity(help, '16Mi');

/** The units of shim/duration.ts, in milliseconds. */
const UNITS = Object.fromEntries(['ms', 's', 'm', 'h'].map((unit) => [unit, parseDuration(`1${unit}`) ?? 0]));

/** A duration. It is parsed to milliseconds. */
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

export const startTimeout = () =>
  duration(
    'how long a main waits for its sidecars, where its pod has no annotation start-timeout; without it for ever',
    '1s',
    formatDuration(MAX_DURATION_MS),
  ).exactOptional();

export const names = (help: string, allowed: string) =>
  z
    .array(z.string().min(1).max(256).meta(meta('', 'a text')))
    .min(1)
    .max(64)
    .meta(meta(help, allowed));

/**
 * A regular expression for one amount with its unit, up to a limit: for 2h it matches `90m`, and not `121m`. It is for the chart's
 * values.schema.json, which cannot compare durations, and is written for every dialect of regular expressions.
 * @param most the limit in milliseconds
 * @param units milliseconds by the unit's name
 */
export function amountUpTo(most: number, units: Readonly<Record<string, number>>): string {
  const choices = Object.entries(units).map(
    ([unit, factor]) => `${numberUpTo(Math.floor(most / factor))}${unit}`,
  );
  return `(${choices.join('|')})`;
}

/** The pattern for a whole number from 0 to `most`, with or without leading zeros. */
function numberUpTo(most: number): string {
  const digits = [...`${most}`].map(Number);
  const choices = [`${most}`];
  if (digits.length > 1) choices.push(digits.length > 2 ? `[0-9]{1,${digits.length - 1}}` : '[0-9]');
  for (const [place, digit] of digits.entries()) {
    // The same digits before this place, a smaller one here, and any after it. The shorter numbers are matched above.
    const least = place === 0 && digits.length > 1 ? 1 : 0;
    if (digit > least)
      choices.push(
        digits.slice(0, place).join('') + range(least, digit - 1) + any(digits.length - place - 1),
      );
  }
  return `0*(${choices.join('|')})`;
}

function range(least: number, most: number): string {
  return least === most ? `${least}` : `[${least}-${most}]`;
}

/** The pattern for this many digits. */
function any(count: number): string {
  return count < 2 ? '[0-9]'.repeat(count) : `[0-9]{${count}}`;
}
