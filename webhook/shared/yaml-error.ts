/** Messages for errors in YAML. */
import type { YAMLError } from 'yaml';

/** The engine's message when a parser's recursion is too deep. */
const TOO_DEEP = /call stack/i;

/**
 * The reason that a text does not parse: one clause, without line and column.
 * @param text the whole text
 */
export function explainSyntaxError({ code, message }: YAMLError, text: string): string {
  if (TOO_DEEP.test(message)) return 'it is nested too deeply';
  if (code === 'MULTIPLE_DOCS') return 'it holds more than one document ("---")';
  const [first = ''] = message.split('\n', 1);
  const clause = first.replace(/ at line \d+, column \d+:?$/, '').slice(0, 200);
  return /\{\{/.test(text) ? `${clause}; a template must be rendered first (helm template)` : clause;
}

/** The reason that a parsed document cannot be converted to a value. */
export function explainValueError(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (TOO_DEEP.test(message)) return 'it is nested too deeply';
  if (/^Converting circular/.test(message)) return 'an alias stands inside of what it stands for';
  if (/^Excessive alias count/.test(message)) return 'its aliases expand to too much';
  return (message.split('\n', 1)[0] ?? '').slice(0, 200);
}
