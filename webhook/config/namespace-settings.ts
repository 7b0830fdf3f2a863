/**
 * What a namespace sets for its own pods (V5): the text of one key of its ConfigMap. The keys are those of the configuration, with the same meaning,
 * and are a namespace's business: none of them lets the webhook do more than a pod's annotations do.
 */
import { z } from 'zod';
import { quote } from '../shared/wording.ts';
import { extraSidecars } from './catalogue.ts';
import { ConfigError } from './error.ts';
import { startTimeout } from './fields.ts';
import { entrypoints } from './images.ts';
import { checked, parseYaml } from './yaml-text.ts';

/** The key of its `data`. */
export const SETTINGS_KEY = 'settings.yaml';

/** The longest text, in characters. What takes longest to parse at that length takes 0.1 s of a processor. */
const MAX_TEXT = 16 * 1024;
/** The most items of each list. */
const MAX_ITEMS = 100;

const SETTINGS = z.strictObject({
  startTimeout: startTimeout(),
  catalogue: z.strictObject({ extra: extraSidecars(MAX_ITEMS) }).prefault({}),
  images: z.strictObject({ entrypoints: entrypoints(MAX_ITEMS) }).prefault({}),
});

/** Complete and checked. Durations are milliseconds. */
export type NamespaceSettings = z.output<typeof SETTINGS>;

/**
 * @param data `data` of the ConfigMap, any JSON value
 * @throws {ConfigError} with one line for each problem
 */
export function parseNamespaceSettings(data: unknown): NamespaceSettings {
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : [];
  for (const [key] of entries)
    if (key !== SETTINGS_KEY)
      throw new ConfigError(`unknown key ${quote(key)} in its data; the only one is ${SETTINGS_KEY}`);
  const [, text] = entries[0] ?? [];
  if (typeof text !== 'string') throw new ConfigError(`its data has no key ${SETTINGS_KEY}`);
  if (text.length > MAX_TEXT) throw new ConfigError(`${SETTINGS_KEY} has more than ${MAX_TEXT} characters`);
  return checked(SETTINGS, parseYaml(text, SETTINGS_KEY), SETTINGS_KEY);
}
