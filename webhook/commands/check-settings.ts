/** What `curfew check` says of the settings that namespaces have for their own pods (V5). */
import { fail, type Line, ok, warn } from '../cluster/check.ts';
import { part, text } from '../cluster/pod-facts.ts';
import { both } from '../cluster/words.ts';
import { ConfigError } from '../config/error.ts';
import { parseNamespaceSettings } from '../config/namespace-settings.ts';
import { SETTINGS_NAME } from '../config/settings-name.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import { CONFIG_MAPS, type Reader } from '../kubernetes/reader.ts';

const SUBJECT = 'settings';
/** So many that are wrong have a line of their own. */
const MOST = 8;

/**
 * @param isOn whether the webhook reads them
 * @throws {KubernetesError} where it does, and they cannot be listed
 */
export async function settingsLines(cluster: Reader, isOn: boolean): Promise<Line[]> {
  const namespaces: string[] = [];
  const wrong: Line[] = [];
  try {
    const selector = `fieldSelector=${encodeURIComponent(`metadata.name=${SETTINGS_NAME}`)}`;
    for await (const map of cluster.list(CONFIG_MAPS, undefined, selector)) {
      const namespace = text(part(map, 'metadata'), 'namespace');
      namespaces.push(namespace);
      const trouble = troubleOf(map.data);
      if (trouble === undefined) continue;
      const seen = `ConfigMap ${SETTINGS_NAME} of namespace ${namespace}: ${trouble}`;
      wrong.push(fail(SUBJECT, seen, 'mend it or delete it: pods of that namespace are refused'));
    }
  } catch (error) {
    // Nobody asked for any.
    if (error instanceof KubernetesError && !isOn) return [];
    throw error;
  }
  const where = both(namespaces.slice(0, MOST));
  if (!isOn)
    return namespaces.length === 0
      ? []
      : [
          warn(
            SUBJECT,
            `nobody reads the ConfigMap ${SETTINGS_NAME} of ${where}`,
            'set config.namespaceSettings.enabled: true, or delete it',
          ),
        ];
  if (wrong.length > 0) return wrong.slice(0, MOST);
  return [ok(SUBJECT, namespaces.length === 0 ? 'no namespace has its own' : `${where} has its own`)];
}

/** What is wrong, the first of it. */
function troubleOf(data: unknown): string | undefined {
  try {
    parseNamespaceSettings(data);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n', 1)[0];
  }
}
