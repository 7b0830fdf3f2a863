/**
 * `curfew check`: whether Curfew works in a cluster, a line for each thing.
 */
import {
  checkConfiguration,
  checkNamespaces,
  checkOrder,
  checkVersion,
  type Line,
  type OwnWebhook,
  ownWebhooks,
  unknown,
} from '../cluster/check.ts';
import type { Needs } from '../cluster/check-install.ts';
import { namespaceLabel } from '../cluster/not-wrapped.ts';
import { part, records, text } from '../cluster/pod-facts.ts';
import type { Config } from '../config/config.ts';
import { SETTINGS_NAME } from '../config/settings-name.ts';
import { parseMinor } from '../decision/mode.ts';
import type { Reader } from '../kubernetes/reader.ts';
import type { JsonRecord } from '../shared/json.ts';
import type { Replicas } from './check-cluster.ts';
import { NO_ANSWER, objectName, outputOf, type Paint, paintOf, withCluster } from './cluster.ts';
import { CLUSTER_FLAGS, flagsHelp } from './flags.ts';
import { offlineImages } from './offline-images.ts';
import { parseOptions } from './options.ts';
import { printable, type Terminal } from './terminal.ts';

export const summary = 'say whether Curfew works in a cluster, and what to do where it does not';

export const options = {
  ...CLUSTER_FLAGS,
  namespace: {
    ...CLUSTER_FLAGS.namespace,
    help: 'the labelled namespace of the dry run (default: the first one)',
  },
  config: {
    ...CLUSTER_FLAGS.config,
    help: "the webhook's configuration (default: what its own ConfigMap says)",
  },
  'no-lookup': { type: 'boolean', help: "ask no registry for the shim's image" },
} as const;

export const usage = () => `curfew check [flags]

Look at each thing that must be right for Curfew to work, a line each, with the way out where it is not: the API server and its version, the
MutatingWebhookConfiguration, the webhook's endpoints, its certificate and the caBundle, the labelled namespaces, a pod that is sent
to be wrapped (a dry run on the server: it is not stored), the webhook's rights, what namespaces set for their own pods, other webhooks that are asked later, and both images.

${flagsHelp(options)}

Exit code 0; 1 when something fails; 2 when an argument or the kubeconfig cannot be used; ${NO_ANSWER} when the cluster cannot be asked.
A line that begins with "?" could not be seen: it takes rights that your user lacks.

JSON: {"lines": [{"level": "ok" | "warn" | "fail" | "unknown", "subject", "text", "way"}]}
`;

/** Check. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('check', args, options);
  const output = outputOf(flags.output);
  const chosen = flags.namespace === undefined ? undefined : objectName(flags.namespace, 'namespace');
  return withCluster(flags, terminal, async (cluster) => {
    const lines: Line[] = [];
    const paint = paintOf(terminal);
    for await (const line of check(cluster, chosen, flags.config, flags['no-lookup'] !== true)) {
      lines.push(line);
      if (output === 'text') terminal.print(textOf(line, paint));
    }
    if (output === 'json') terminal.print(`${JSON.stringify({ lines }, null, 2)}\n`);
    return lines.some(({ level }) => level === 'fail') ? 1 : 0;
  });
}

async function* check(
  cluster: Reader,
  chosen: string | undefined,
  configFile: string | undefined,
  mayAsk: boolean,
): AsyncGenerator<Line> {
  const parts = await import('./check-cluster.ts');
  const { orUnknown } = parts;
  // Where not even this is answered, nothing is.
  const version = await cluster.get('/version', 'get the version');
  const configurations = await everything(cluster, 'WEBHOOK_CONFIGURATIONS');
  const own = 'lines' in configurations ? [] : ownWebhooks(configurations.objects);
  const replicas = new Map<string, Replicas>();
  const found: Line[] = [];
  for (const { service } of own) {
    if (service === undefined || replicas.has(`${service.namespace}/${service.name}`)) continue;
    found.push(
      ...(await orUnknown('endpoints', async () => {
        const these = await parts.replicasOf(cluster, service);
        replicas.set(`${service.namespace}/${service.name}`, these);
        return these.lines;
      })),
    );
  }
  const pods = [...replicas.values()].flatMap((one) => one.pods);
  const config = await configOf(cluster, pods, configFile);
  yield checkVersion(text(version ?? {}, 'gitVersion'), {
    leastKubelet: parseMinor(config?.minimumKubelet ?? ''),
  });
  if ('lines' in configurations) yield* configurations.lines;
  else yield checkConfiguration(own);
  yield* found;
  for (const one of oneOfEach(own)) {
    const at = one.service && replicas.get(`${one.service.namespace}/${one.service.name}`);
    yield* await orUnknown('certificate', () => parts.certificateLines(cluster, one, at));
  }
  const namespaces = await everything(cluster, 'NAMESPACES');
  if ('lines' in namespaces) yield* namespaces.lines;
  else yield* checkNamespaces(namespaces.objects);
  const labelled = chosen ?? ('lines' in namespaces ? undefined : firstLabelled(namespaces.objects));
  const asked = labelled === undefined ? undefined : await parts.dryRun(cluster, labelled);
  yield asked?.line ?? unknown('dry run', 'no labelled namespace is known: name one with -n');
  if (config !== undefined)
    yield* await orUnknown('rights', () => parts.rightsLine(cluster, pods, needsOf(config), labelled));
  if (config !== undefined) {
    const { settingsLines } = await import('./check-settings.ts');
    yield* await orUnknown('settings', () => settingsLines(cluster, config.namespaceSettings.enabled));
  }
  if (!('lines' in configurations) && own.length > 0) yield checkOrder(configurations.objects, own);
  const images = offlineImages(configFile, mayAsk);
  const ask = mayAsk
    ? (image: string, pod: JsonRecord) => registryTrouble(images, image, pod, labelled ?? '')
    : undefined;
  try {
    yield* await orUnknown('images', () => parts.imageLines(cluster, pods, asked?.pod, labelled, ask));
  } finally {
    images.close();
  }
}

/** All objects of a kind, or why they are not known. */
async function everything(
  cluster: Reader,
  kind: 'WEBHOOK_CONFIGURATIONS' | 'NAMESPACES',
): Promise<{ objects: JsonRecord[] } | { lines: Line[] }> {
  const [{ orUnknown }, resources] = await Promise.all([
    import('./check-cluster.ts'),
    import('../kubernetes/reader.ts'),
  ]);
  const objects: JsonRecord[] = [];
  const subject = kind === 'NAMESPACES' ? 'namespaces' : 'configuration';
  const lines = await orUnknown(subject, async () => {
    for await (const object of cluster.list(resources[kind])) objects.push(object);
    return [];
  });
  return lines.length > 0 ? { lines } : { objects };
}

/** Entries for several values of the label lead to one server. */
function oneOfEach(own: readonly OwnWebhook[]): OwnWebhook[] {
  const key = ({ service, url, caBundle }: OwnWebhook) =>
    JSON.stringify([service, url === undefined ? '' : new URL(url).host, caBundle]);
  return [...new Map(own.map((one) => [key(one), one])).values()];
}

function firstLabelled(namespaces: readonly JsonRecord[]): string | undefined {
  const found = namespaces.find((one) => namespaceLabel(one).kind === 'on');
  return found && text(part(found, 'metadata'), 'name');
}

/** The configuration that the webhook's pods run with; undefined where it cannot be read. */
async function configOf(
  cluster: Reader,
  pods: readonly JsonRecord[],
  file: string | undefined,
): Promise<Config | undefined> {
  const [{ ConfigError, parseConfig, readConfig }, { KubernetesError }, { UsageError }] = await Promise.all([
    import('../config/config.ts'),
    import('../kubernetes/error.ts'),
    import('../shared/usage-error.ts'),
  ]);
  try {
    if (file !== undefined) return await readConfig(file);
    const [pod] = pods;
    if (pod === undefined) return undefined;
    const namespace = text(part(pod, 'metadata'), 'namespace');
    for (const volume of records(part(pod, 'spec'), 'volumes')) {
      const name = text(part(volume, 'configMap'), 'name');
      if (name === '') continue;
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${encodeURIComponent(name)}`;
      const content = text(
        part((await cluster.get(path, `get configmaps/${name}`)) ?? {}, 'data'),
        'curfew.yaml',
      );
      if (content !== '') return parseConfig(content, `ConfigMap ${namespace}/${name}`);
    }
    return undefined;
  } catch (error) {
    if (error instanceof KubernetesError) return undefined;
    if (!(error instanceof ConfigError)) throw error;
    if (file !== undefined) throw new UsageError(error.message, { cause: error });
    return undefined;
  }
}

function needsOf({ tls, events, images, mode, namespaceSettings }: Config): Needs {
  return {
    selfManaged: tls.source === 'self-managed' ? tls.selfManaged : undefined,
    events: events.enabled,
    settings: namespaceSettings.enabled ? SETTINGS_NAME : undefined,
    pullSecrets: mode !== 'native' && images.mode === 'registry' && images.pullSecrets,
  };
}

/** What the image's registry says to the person's own docker credentials; undefined: it has it. */
async function registryTrouble(
  images: ReturnType<typeof offlineImages>,
  image: string,
  pod: JsonRecord,
  namespace: string,
): Promise<string | undefined> {
  const { parsePod } = await import('../decision/pod.ts');
  const request = { container: 'shim', image };
  const answers = await images.lookUp([request], namespace, parsePod(pod), AbortSignal.timeout(30_000));
  const answer = answers.get('shim');
  return answer === undefined || answer.ok ? undefined : answer.message;
}

const MARKS = {
  ok: ['green', 'ok  '],
  warn: ['yellow', 'warn'],
  fail: ['red', 'FAIL'],
  unknown: ['dim', '?   '],
} as const;

function textOf({ level, subject, text: seen, way }: Line, paint: Paint): string {
  const [style, mark] = MARKS[level];
  const first = `${paint(style, mark)}  ${paint('bold', printable(subject))}: ${printable(seen)}\n`;
  return way === undefined ? first : `${first}      ${paint('cyan', '->')} ${printable(way)}\n`;
}
