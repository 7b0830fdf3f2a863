/**
 * Regular expressions for amounts of time up to a bound, for the chart's values.schema.json: it can compare no durations, but it can
 * refuse an amount that is too much by itself. Written for every dialect, Go's among them.
 */

/**
 * One amount and its unit, each unit's up to the bound: `90m` passes a bound of 2h, `121m` does not.
 * @param most the bound in milliseconds
 * @param units milliseconds by the unit's name
 */
export function amountUpTo(most: number, units: Readonly<Record<string, number>>): string {
  const choices = Object.entries(units).map(
    ([unit, factor]) => `${numberUpTo(Math.floor(most / factor))}${unit}`,
  );
  return `(${choices.join('|')})`;
}

/** A whole number from 0 to `most`, with or without leading zeros. */
function numberUpTo(most: number): string {
  const digits = [...`${most}`].map(Number);
  const choices = [`${most}`];
  if (digits.length > 1) choices.push(digits.length > 2 ? `[0-9]{1,${digits.length - 1}}` : '[0-9]');
  for (const [place, digit] of digits.entries()) {
    // Equal so far, less here, and anything behind. One that begins with 0 is among the shorter ones.
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

/** So many digits. */
function any(count: number): string {
  return count < 2 ? '[0-9]'.repeat(count) : `[0-9]{${count}}`;
}
