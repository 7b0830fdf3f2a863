/** What `curfew check` says of an installation's rights and images. Pure. */
import { INSTALL_CONTAINER } from '../decision/vocabulary.ts';
import type { JsonRecord } from '../shared/json.ts';
import { fail, type Line, ok, unknown, warn } from './check.ts';
import { type ContainerFacts, part, podFacts, records, text } from './pod-facts.ts';
import { both, brief } from './words.ts';

/** What a webhook must be allowed to do: the resourceAttributes of an access review. */
export interface Right {
  verb: string;
  group: string;
  resource: string;
  name?: string;
  namespace?: string;
}

/** What of the configuration decides about rights. */
export interface Needs {
  /** With certificates of its own: its Secret's and its configuration's names. */
  selfManaged: { secret: string; webhookConfiguration: string } | undefined;
  events: boolean;
  pullSecrets: boolean;
  /** The name of the ConfigMaps in which namespaces set what counts for their pods; undefined: they do not. */
  settings: string | undefined;
}

/**
 * @param own the webhook's namespace
 * @param labelled a namespace that is opted in; undefined where there is none
 */
export function rightsNeeded(
  { selfManaged, events, pullSecrets, settings }: Needs,
  own: string,
  labelled: string | undefined,
): Right[] {
  const rights: Right[] = [];
  if (selfManaged !== undefined)
    for (const verb of ['get', 'patch']) {
      rights.push({ verb, group: '', resource: 'secrets', name: selfManaged.secret, namespace: own });
      const group = 'admissionregistration.k8s.io';
      rights.push({
        verb,
        group,
        resource: 'mutatingwebhookconfigurations',
        name: selfManaged.webhookConfiguration,
      });
    }
  if (settings !== undefined)
    for (const verb of ['list', 'watch'])
      rights.push({ verb, group: '', resource: 'configmaps', name: settings });
  const inside = labelled === undefined ? undefined : { namespace: labelled };
  if (inside !== undefined && events)
    rights.push({ verb: 'create', group: '', resource: 'events', ...inside });
  if (inside !== undefined && pullSecrets)
    rights.push({ verb: 'get', group: '', resource: 'secrets', ...inside });
  return rights;
}

/** @param lacking those that an access review denied */
export function checkRights(account: string, asked: number, lacking: readonly Right[]): Line {
  const subject = 'rights';
  if (asked === 0) return ok(subject, `${account} needs none`);
  if (lacking.length === 0) return ok(subject, `${account} has the ${asked} that the configuration needs`);
  const named = lacking.map(
    ({ verb, resource, name, namespace }) =>
      `${verb} ${resource}${name === undefined ? '' : `/${name}`}${namespace === undefined ? '' : ` in ${namespace}`}`,
  );
  const onlyPull = lacking.every(({ resource, name }) => resource === 'secrets' && name === undefined);
  return (onlyPull ? warn : fail)(
    subject,
    `${account} may not ${both(named)}`,
    onlyPull
      ? 'fine where no image is looked up with a pull secret there; else rbac.pullSecretNamespaces'
      : 'helm upgrade with rbac.create, or give it these in a Role or ClusterRole',
  );
}

const PULL_TROUBLE: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
]);

/** @param pods the webhook's own */
export function checkWebhookImage(pods: readonly JsonRecord[]): Line {
  const subject = "the webhook's image";
  const containers = pods.flatMap((pod) => podFacts(pod).containers);
  const stuck = containers.find(isPullTrouble);
  if (stuck !== undefined) return pullFailure(subject, stuck);
  const [first] = containers.filter(({ state }) => state.kind === 'running');
  return first === undefined ? unknown(subject, 'no replica runs') : ok(subject, `pulled: ${first.image}`);
}

/** The shim's image in a pod that the webhook has answered; undefined where it adds none. */
export function shimImageOf(pod: JsonRecord): string | undefined {
  const install = records(part(pod, 'spec'), 'initContainers').find(
    (one) => text(one, 'name') === INSTALL_CONTAINER,
  );
  return install && text(install, 'image');
}

/**
 * @param pods of a labelled namespace
 * @returns undefined where none of them has pulled it yet, nor failed to
 */
export function seenShimImage(image: string, pods: readonly JsonRecord[]): Line | undefined {
  const subject = "the shim's image";
  const installs = pods.flatMap((pod) =>
    podFacts(pod).containers.filter(({ name, image: own }) => name === INSTALL_CONTAINER && own === image),
  );
  const stuck = installs.find(isPullTrouble);
  if (stuck !== undefined) return pullFailure(subject, stuck);
  const pulled = installs.filter(({ state }) => state.kind !== 'waiting').length;
  return pulled === 0
    ? undefined
    : ok(
        subject,
        `pulled for ${pulled} pod${pulled === 1 ? '' : 's'} that ${pulled === 1 ? 'is' : 'are'} there: ${image}`,
      );
}

/** What a registry said to the person's own credentials. @param trouble undefined: it has the image */
export function askedShimImage(image: string, trouble: string | undefined): Line {
  const subject = "the shim's image";
  return trouble === undefined
    ? ok(subject, `its registry gives it to your own docker credentials: ${image}`)
    : warn(
        subject,
        `no pod has pulled ${image} yet, and your own docker credentials do not get it: ${brief(trouble)}`,
        'the nodes must be able to pull it without a pull secret: start one wrapped pod to see',
      );
}

function isPullTrouble({ state }: ContainerFacts): boolean {
  return state.kind === 'waiting' && PULL_TROUBLE.has(state.reason);
}

function pullFailure(subject: string, { image, state }: ContainerFacts): Line {
  const said = state.kind === 'waiting' ? `: ${brief(state.message || state.reason)}` : '';
  return fail(subject, `${image} cannot be pulled${said}`, 'push it, or give the nodes the right to pull it');
}
