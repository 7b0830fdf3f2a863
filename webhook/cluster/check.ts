/** `curfew check`: whether Curfew works in a cluster, a line for each thing. Pure. */
import { type ClusterVersion, nativeSupport, parseMinor } from '../decision/mode.ts';
import { INJECTION_LABEL } from '../decision/vocabulary.ts';
import type { JsonRecord } from '../shared/json.ts';
import { labelCommand, type NamespaceLabel, namespaceLabel, wrongLabel } from './not-wrapped.ts';
import { part, podFacts, records, text } from './pod-facts.ts';
import { both, brief, duration } from './words.ts';

export interface Line {
  level: 'ok' | 'warn' | 'fail' | 'unknown';
  /** What was looked at: `certificate`. */
  subject: string;
  /** What was seen. */
  text: string;
  /** What to do. */
  way?: string;
}

export const ok = (subject: string, seen: string): Line => ({ level: 'ok', subject, text: seen });
export const warn = (subject: string, seen: string, way?: string): Line => line('warn', subject, seen, way);
export const fail = (subject: string, seen: string, way?: string): Line => line('fail', subject, seen, way);
export const unknown = (subject: string, seen: string, way?: string): Line =>
  line('unknown', subject, seen, way);

function line(level: Line['level'], subject: string, seen: string, way: string | undefined): Line {
  return { level, subject, text: seen, ...(way === undefined ? {} : { way }) };
}

/** The oldest API server that Curfew is for. */
const OLDEST = 20;

/** @param gitVersion as `/version` gives it */
export function checkVersion(gitVersion: string, known: Omit<ClusterVersion, 'server'>): Line {
  const minor = parseMinor(gitVersion);
  const subject = 'API server';
  if (minor === undefined) return unknown(subject, `answers, and its version is ${brief(gitVersion, 60)}`);
  const shown = brief(gitVersion, 60);
  if (minor < OLDEST) return fail(subject, `answers, ${shown}`, 'Curfew needs Kubernetes 1.20 or newer');
  const native = nativeSupport({ ...known, server: minor });
  return ok(
    subject,
    `answers, ${shown}; mode auto takes ${native.available ? 'native sidecars where nothing is lost' : 'the shim'}: ${native.why}`,
  );
}

/** A webhook of ours in a MutatingWebhookConfiguration. */
export interface OwnWebhook {
  configuration: string;
  name: string;
  url: string | undefined;
  service: { namespace: string; name: string; port: number } | undefined;
  /** PEM; empty where there is none. */
  caBundle: string;
  failurePolicy: string;
}

/** Our webhooks are told by their names: a release may be called anything. */
export function ownWebhooks(configurations: readonly JsonRecord[]): OwnWebhook[] {
  return configurations.flatMap((configuration) =>
    records(configuration, 'webhooks')
      .filter((webhook) => isOwn(webhook))
      .map((webhook) => {
        const client = part(webhook, 'clientConfig');
        const service = part(client, 'service');
        const url = text(client, 'url');
        const port = service.port;
        return {
          configuration: text(part(configuration, 'metadata'), 'name'),
          name: text(webhook, 'name'),
          url: url === '' ? undefined : url,
          service:
            text(service, 'name') === ''
              ? undefined
              : {
                  namespace: text(service, 'namespace'),
                  name: text(service, 'name'),
                  port: typeof port === 'number' ? port : 443,
                },
          caBundle: Buffer.from(text(client, 'caBundle'), 'base64').toString('utf8'),
          failurePolicy: text(webhook, 'failurePolicy') || 'Fail',
        };
      }),
  );
}

function isOwn(webhook: JsonRecord): boolean {
  return /(?:^|\.)curfew\.dev$/.test(text(webhook, 'name'));
}

export function checkConfiguration(own: readonly OwnWebhook[]): Line {
  const subject = 'configuration';
  const names = [...new Set(own.map(({ configuration }) => configuration))];
  const [first] = own;
  if (first === undefined)
    return fail(
      subject,
      'no MutatingWebhookConfiguration has a webhook of Curfew',
      'helm install curfew (README.md, Install)',
    );
  const seen = `${both(names)}: ${both(own.map(({ name }) => name))}, failurePolicy ${first.failurePolicy}`;
  if (names.length > 1)
    return warn(
      subject,
      seen,
      'more than one installation may be asked for one pod: their selectors must differ',
    );
  return ok(subject, seen);
}

/** The namespaces that are opted in, and wrong values. */
export function checkNamespaces(namespaces: readonly JsonRecord[]): Line[] {
  const subject = 'namespaces';
  const labels = namespaces.map((one) => ({
    name: text(part(one, 'metadata'), 'name'),
    label: namespaceLabel(one),
  }));
  const wrong = labels.flatMap(({ name, label }) =>
    label.kind === 'wrong'
      ? [warn(subject, `${name}: ${wrongLabel(label.value)}`, `${labelCommand(name)} --overwrite`)]
      : [],
  );
  const named = (kind: NamespaceLabel['kind']) =>
    labels.filter(({ label }) => label.kind === kind).map(({ name }) => name);
  const on = named('on');
  const audited = named('audit');
  const also = audited.length === 0 ? '' : `; only said what would be in ${both(audited)}`;
  return [
    on.length > 0
      ? ok(subject, `labelled: ${both(on)}${also}`)
      : warn(subject, `none has label ${INJECTION_LABEL}${also}`, labelCommand('NAMESPACE')),
    ...wrong,
  ];
}

/** Webhooks for pods that the API server asks after ours: it asks in the order of the configurations' names. */
export function checkOrder(configurations: readonly JsonRecord[], own: readonly OwnWebhook[]): Line {
  const subject = 'other webhooks';
  const last =
    own
      .map(({ configuration }) => configuration)
      .sort()
      .at(-1) ?? '';
  const later = configurations
    .filter((configuration) => text(part(configuration, 'metadata'), 'name') > last)
    .flatMap((configuration) =>
      records(configuration, 'webhooks')
        .filter(isForPods)
        .map((webhook) => ({
          name: text(part(configuration, 'metadata'), 'name'),
          again: text(webhook, 'reinvocationPolicy') === 'IfNeeded',
        })),
    );
  const names = (again: boolean) => [
    ...new Set(later.filter((one) => one.again === again).map(({ name }) => name)),
  ];
  const [after, fine] = [names(true), names(false)];
  if (after.length > 0)
    return warn(
      subject,
      `${both(after)} ${after.length === 1 ? 'is' : 'are'} asked after Curfew, and again after its last turn (reinvocationPolicy IfNeeded)`,
      'a sidecar that is added then is not ended: give it a configuration whose name sorts before ours',
    );
  if (fine.length === 0) return ok(subject, 'none is asked after Curfew');
  return ok(
    subject,
    `${both(fine)} ${fine.length === 1 ? 'is' : 'are'} asked after Curfew, which is asked again then`,
  );
}

function isForPods(webhook: JsonRecord): boolean {
  const among = (rule: JsonRecord, key: string, wanted: string) => {
    const list = rule[key];
    return Array.isArray(list) && (list.includes(wanted) || list.includes('*'));
  };
  return records(webhook, 'rules').some(
    (rule) =>
      among(rule, 'operations', 'CREATE') &&
      among(rule, 'apiGroups', '') &&
      (among(rule, 'resources', 'pods') || among(rule, 'resources', '*/*')),
  );
}

/** @param endpoints the Endpoints object of the Service; undefined where there is none */
export function checkEndpoints(service: string, endpoints: JsonRecord | undefined): Line {
  const subject = 'endpoints';
  const subsets = endpoints === undefined ? [] : records(endpoints, 'subsets');
  const count = (key: string) => subsets.reduce((sum, subset) => sum + records(subset, key).length, 0);
  const [ready, not] = [count('addresses'), count('notReadyAddresses')];
  const seen = `Service ${service}: ${ready} ready${not === 0 ? '' : `, ${not} not`}`;
  if (ready === 0)
    return fail(
      subject,
      seen,
      `kubectl get pods -n ${service.split('/')[0]}; kubectl logs -n ${service.split('/')[0]} deployment/${service.split('/')[1]}`,
    );
  if (not > 0) return warn(subject, seen, `kubectl get pods -n ${service.split('/')[0]}`);
  return ready === 1
    ? warn(subject, seen, 'while it is away, failurePolicy decides: two replicas are the least')
    : ok(subject, seen);
}

/** What a replica serves. */
export interface Served {
  /** Verified against the caBundle, for the name that the API server asks for; else why not. */
  trouble: string | undefined;
  /** Milliseconds since 1970. */
  notAfter: number;
  notBefore: number;
}

export function checkCertificate(served: Served, now: number): Line[] {
  const trust =
    served.trouble === undefined
      ? ok('caBundle', 'it is what the served certificate is signed with')
      : fail(
          'caBundle',
          `the API server cannot trust what is served: ${brief(served.trouble)}`,
          'the webhook mends its own caBundle within a minute: see its log; with cert-manager, see its cainjector',
        );
  const left = served.notAfter - now;
  const life = served.notAfter - served.notBefore;
  const seen = `it ends in ${duration(left)}, on ${new Date(served.notAfter).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  if (left <= 0)
    return [
      trust,
      fail(
        'certificate',
        `it ended ${duration(-left)} ago`,
        'renew it: the webhook reads its files again within a minute',
      ),
    ];
  // Whoever renews does so after two thirds of its life at the latest.
  if (left < life / 10)
    return [
      trust,
      warn(
        'certificate',
        seen,
        'it should have been renewed by now: see the log of the webhook, or cert-manager',
      ),
    ];
  return [trust, ok('certificate', seen)];
}

/** @param pod what the dry run gave back */
export function checkDryRun(namespace: string, pod: JsonRecord): Line {
  const facts = podFacts(pod);
  const subject = 'dry run';
  if (facts.wrapped) return ok(subject, `a pod in ${namespace} is wrapped`);
  if (facts.converted) return ok(subject, `a pod in ${namespace} gets native sidecars`);
  return fail(
    subject,
    `a pod in ${namespace} comes back as it was: the webhook was not asked, or did not answer and failurePolicy is Ignore`,
    `kubectl get mutatingwebhookconfiguration -o yaml: do namespaceSelector and objectSelector fit? Then the webhook's log`,
  );
}

/** @param said the API server's message */
export function checkRefusedDryRun(namespace: string, said: string): Line {
  const words = brief(said, 600);
  if (/failed calling webhook "[^"]*curfew\.dev"/.test(said))
    return fail(
      'dry run',
      `the API server cannot call the webhook: ${words}`,
      'x509: see caBundle above; a timeout: do the control plane and a NetworkPolicy let it through to the webhook?',
    );
  if (/admission webhook "[^"]*curfew\.dev" denied/.test(said))
    return fail('dry run', `the webhook refuses the test's pod: ${words}`, 'see its log');
  return warn(
    'dry run',
    `namespace ${namespace} refuses the test's pod for a reason that is not Curfew's: ${words}`,
    'name another labelled namespace with -n',
  );
}
