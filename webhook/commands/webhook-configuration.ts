/**
 * `curfew webhook-configuration`: the MutatingWebhookConfiguration of this webhook, for `kubectl apply -f -`.
 */
import { X509Certificate } from 'node:crypto';
import type {
  AdmissionregistrationV1WebhookClientConfig,
  V1MutatingWebhookConfiguration,
} from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { INJECT_LABEL, INJECTION_ENABLED, INJECTION_LABEL, PREFIX } from '../decision/vocabulary.ts';
import { ROUTES } from '../server/routes.ts';
import { readTextFile, TextFileError } from '../shared/text-file.ts';
import { UsageError } from '../shared/usage-error.ts';
import { parseOptions } from './options.ts';
import type { Terminal } from './terminal.ts';

export const summary = 'print the MutatingWebhookConfiguration, for kubectl apply -f -';

export const usage =
  () => `curfew webhook-configuration (--url URL | --service NAMESPACE/NAME[:PORT][/PATH]) [flags]

Print the MutatingWebhookConfiguration (admissionregistration.k8s.io/v1), for kubectl apply -f -.

  --url URL                where the API server finds the webhook: https://HOST[:PORT]/mutate
  --service NS/NAME        the same, through a Service; port 443 and path /mutate where none is given
  --ca FILE                PEM file: the authority that signed the webhook's certificate
                           (without it, the API server's own trusted authorities)
  --name NAME              name of the configuration (default curfew)
  --failure-policy POLICY  what becomes of a pod when the webhook does not answer: Fail (default) refuses it, and its
                           controller tries again; Ignore lets it run without Curfew, where a sidecar may run for ever
  --timeout SECONDS        how long the API server waits, 1 to 10 (default 10)
  --output FORMAT          yaml (default) or json
`;

/** Its flags; what completion offers beside. */
export const options = {
  url: { type: 'string', complete: 'nothing' },
  service: { type: 'string', complete: 'nothing' },
  ca: { type: 'string' },
  name: { type: 'string', default: 'curfew', complete: 'nothing' },
  'failure-policy': { type: 'string', default: 'Fail', choices: ['Fail', 'Ignore'] },
  timeout: { type: 'string', complete: 'nothing', default: '10' },
  output: { type: 'string', default: 'yaml', choices: ['yaml', 'json'] },
} as const;

/** Print it. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const flags = parseOptions('webhook-configuration', args, options);
  const caBundle = flags.ca === undefined ? undefined : await readAuthorities(flags.ca);
  const where = clientConfig(flags.url, flags.service);
  const configuration = webhookConfiguration({
    name: objectName(flags.name),
    clientConfig: caBundle === undefined ? where.config : { ...where.config, caBundle },
    failurePolicy: oneOf('failure-policy', flags['failure-policy'], ['Fail', 'Ignore']),
    timeoutSeconds: seconds(flags.timeout),
    ...(where.namespace === undefined ? {} : { ownNamespace: where.namespace }),
  });
  const format = oneOf('output', flags.output, ['yaml', 'json']);
  terminal.print(
    format === 'json'
      ? `${JSON.stringify(configuration, null, 2)}\n`
      : stringify(configuration, { lineWidth: 0, version: '1.1' }),
  );
  return 0;
}

interface ConfigurationOptions {
  name: string;
  clientConfig: AdmissionregistrationV1WebhookClientConfig;
  failurePolicy: 'Fail' | 'Ignore';
  timeoutSeconds: number;
  /** The webhook's own namespace: its pods must be able to start while it is down. */
  ownNamespace?: string;
}

/**
 * Build it, one entry for each value of the namespace label, from what every server since Kubernetes 1.16 knows (no matchConditions).
 *
 * A namespace is asked twice: it must carry our label, and must not be one of the cluster's own. The label
 * kubernetes.io/metadata.name exists from 1.21 on; NotIn holds for a namespace without it.
 */
export function webhookConfiguration(options: ConfigurationOptions): V1MutatingWebhookConfiguration {
  const { name, failurePolicy, timeoutSeconds, ownNamespace } = options;
  const excluded = ['kube-system', 'kube-node-lease', 'kube-public'];
  if (ownNamespace !== undefined && !excluded.includes(ownNamespace)) excluded.push(ownNamespace);
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name, labels: { 'app.kubernetes.io/name': 'curfew' } },
    webhooks: ROUTES.map(({ label, path, audit }) => ({
      name: label === INJECTION_ENABLED ? `pods.${PREFIX}` : `${label}.pods.${PREFIX}`,
      admissionReviewVersions: ['v1'],
      clientConfig: below(options.clientConfig, path.slice(MUTATE.length)),
      rules: [
        {
          operations: ['CREATE'],
          apiGroups: [''],
          apiVersions: ['v1'],
          resources: ['pods'],
          scope: 'Namespaced',
        },
      ],
      namespaceSelector: {
        matchLabels: { [INJECTION_LABEL]: label },
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: excluded }],
      },
      objectSelector: {
        matchExpressions: [{ key: INJECT_LABEL, operator: 'NotIn', values: ['false'] }],
      },
      // What changes nothing must not refuse anything either.
      failurePolicy: audit ? 'Ignore' : failurePolicy,
      matchPolicy: 'Equivalent',
      reinvocationPolicy: 'IfNeeded',
      // Events, where they are written (events.enabled); none on a dry run.
      sideEffects: 'NoneOnDryRun',
      timeoutSeconds,
    })),
  };
}

/** The path of the entry for label value `enabled`; those of the others lie below it. */
const MUTATE = '/mutate';

function below(
  config: AdmissionregistrationV1WebhookClientConfig,
  rest: string,
): AdmissionregistrationV1WebhookClientConfig {
  if (config.url !== undefined) return { ...config, url: `${config.url}${rest}` };
  const { service } = config;
  return service === undefined
    ? config
    : { ...config, service: { ...service, path: `${service.path}${rest}` } };
}

function clientConfig(
  url: string | undefined,
  service: string | undefined,
): { config: AdmissionregistrationV1WebhookClientConfig; namespace?: string } {
  if ((url === undefined) === (service === undefined)) {
    throw new UsageError('give either --url https://HOST/mutate or --service NAMESPACE/NAME');
  }
  if (url !== undefined) return { config: { url: checkUrl(url) } };
  const match =
    /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)(?::([0-9]{1,5}))?(\/[!-~]*)?$/.exec(
      service ?? '',
    );
  const [, namespace, name, port = '443', path = '/mutate'] = match ?? [];
  if (namespace === undefined || name === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new UsageError(
      `--service ${quote(service)} is not NAMESPACE/NAME, as in curfew-system/curfew or curfew-system/curfew:8443/mutate`,
    );
  }
  return { config: { service: { namespace, name, port: Number(port), path } }, namespace };
}

/** What the API server asks of a webhook's URL (https, no user, query or fragment), said before it does. */
function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'https:') {
    // Not quoted: a URL may hold a password.
    throw new UsageError('--url must be an https URL, as in https://curfew.example.com:8443/mutate');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError('--url takes no user, query or fragment: the API server refuses them');
  }
  if (url.pathname === '/') url.pathname = '/mutate';
  return url.href;
}

/** More authorities than anybody needs. */
const MAX_CA_BYTES = 1024 * 1024;

async function readAuthorities(file: string): Promise<string> {
  let text: string;
  try {
    text = await readTextFile(file, MAX_CA_BYTES);
  } catch (cause) {
    if (!(cause instanceof TextFileError)) throw cause;
    throw new UsageError(`--ca ${cause.message}`, { cause });
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) {
    throw new UsageError(`--ca ${file} holds no PEM certificate ("-----BEGIN CERTIFICATE-----")`);
  }
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw new UsageError(`--ca ${file}: its certificate number ${index + 1} does not parse`, { cause });
    }
  }
  // Only the certificates: a key that stands in the same file stays out of the cluster.
  return Buffer.from(`${certificates.join('\n')}\n`).toString('base64');
}

function oneOf<const T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((item) => item === value);
  if (found === undefined)
    throw new UsageError(`--${flag} ${quote(value)} is not allowed; it is ${allowed.join(' or ')}`);
  return found;
}

function seconds(text: string): number {
  if (/^([1-9]|10)$/.test(text)) return Number(text);
  throw new UsageError(`--timeout ${quote(text)} is not allowed; it is a whole number from 1 to 10`);
}

function objectName(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new UsageError(`--name ${quote(text)} is no name of an object: small letters, digits, "-" and "."`);
}

function quote(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, 80));
}
