/** What is wrong with a YAML text, in words that say what to do. */
import type { YAMLError } from 'yaml';

/** Engines say it so when a parser has gone deeper than they can. */
const TOO_DEEP = /call stack/i;

/**
 * Why a text does not parse: one clause, without the place.
 * @param text the whole text
 */
export function syntaxTrouble({ code, message }: YAMLError, text: string): string {
  if (TOO_DEEP.test(message)) return 'it is nested too deeply';
  if (code === 'MULTIPLE_DOCS') return 'it holds more than one document ("---")';
  const [first = ''] = message.split('\n', 1);
  const clause = first.replace(/ at line \d+, column \d+:?$/, '').slice(0, 200);
  return /\{\{/.test(text) ? `${clause}; a template must be rendered first (helm template)` : clause;
}

/** Why a document that parses cannot be taken as a value. */
export function valueTrouble(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (TOO_DEEP.test(message)) return 'it is nested too deeply';
  if (/^Converting circular/.test(message)) return 'an alias stands inside of what it stands for';
  if (/^Excessive alias count/.test(message)) return 'its aliases expand to too much';
  return (message.split('\n', 1)[0] ?? '').slice(0, 200);
}
