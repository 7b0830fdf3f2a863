/** The requests of `curfew check`: each turns what a cluster says into lines. */

import type { Duplex } from 'node:stream';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import {
  checkCertificate,
  checkDryRun,
  checkEndpoints,
  checkRefusedDryRun,
  fail,
  type Line,
  type OwnWebhook,
  type Served,
  unknown,
} from '../cluster/check.ts';
import {
  askedShimImage,
  checkRights,
  checkWebhookImage,
  type Needs,
  rightsNeeded,
  seenShimImage,
  shimImageOf,
} from '../cluster/check-install.ts';
import { part, records, text } from '../cluster/pod-facts.ts';
import { SIDECARS } from '../decision/vocabulary.ts';
import { KubernetesError } from '../kubernetes/error.ts';
import { PODS, type Reader } from '../kubernetes/reader.ts';
import type { JsonRecord } from '../shared/json.ts';
import { sayFailure } from './cluster.ts';

const HANDSHAKE_MS = 10_000;
/** Pods of one namespace that are looked at for the shim's image. */
const MOST_PODS = 500;

type Service = NonNullable<OwnWebhook['service']>;

/** Where the webhook runs. */
export interface Replicas {
  lines: Line[];
  /** A ready pod, and the port that the Service leads to. */
  ready: { pod: { namespace: string; name: string }; port: number } | undefined;
  pods: JsonRecord[];
}

/** What cannot be asked is said as that. */
export async function orUnknown(subject: string, ask: () => Promise<Line[]>): Promise<Line[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KubernetesError) return [unknown(subject, sayFailure(error))];
    throw error;
  }
}

/** The Service's endpoints, and the pods behind it. @throws {KubernetesError} */
export async function replicasOf(cluster: Reader, { namespace, name, port }: Service): Promise<Replicas> {
  const base = `/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const [service, endpoints] = await Promise.all([
    cluster.get(`${base}/services/${encodeURIComponent(name)}`, `get services/${name}`),
    cluster.get(`${base}/endpoints/${encodeURIComponent(name)}`, `get endpoints/${name}`),
  ]);
  const shown = `${namespace}/${name}`;
  if (service === undefined)
    return {
      lines: [
        fail(
          'endpoints',
          `there is no Service ${shown}`,
          'helm install curfew, or delete its MutatingWebhookConfiguration: it refuses pods',
        ),
      ],
      ready: undefined,
      pods: [],
    };
  const selector = Object.entries(part(part(service, 'spec'), 'selector')).map(
    ([key, value]) => `${key}=${String(value)}`,
  );
  const pods: JsonRecord[] = [];
  if (selector.length > 0)
    for await (const pod of cluster.list(
      PODS,
      namespace,
      `labelSelector=${encodeURIComponent(selector.join(','))}`,
    ))
      pods.push(pod);
  const servicePort = records(part(service, 'spec'), 'ports').find((one) => one.port === port);
  const [ready] = (endpoints === undefined ? [] : records(endpoints, 'subsets')).flatMap((subset) => {
    const target = records(subset, 'ports').find(
      (one) => text(one, 'name') === text(servicePort ?? {}, 'name'),
    )?.port;
    const pod = records(subset, 'addresses')
      .map((address) => text(part(address, 'targetRef'), 'name'))
      .find((one) => one !== '');
    return typeof target === 'number' && pod !== undefined
      ? [{ pod: { namespace, name: pod }, port: target }]
      : [];
  });
  return { lines: [checkEndpoints(shown, endpoints)], ready, pods };
}

/** The certificate that is served, and whether the API server will trust it. @throws {KubernetesError} */
export async function certificateLines(
  cluster: Reader,
  own: OwnWebhook,
  replicas: Replicas | undefined,
): Promise<Line[]> {
  if (own.caBundle === '' && own.service !== undefined)
    return [
      fail(
        'caBundle',
        'there is none, so the API server trusts only its own authorities',
        'the webhook writes it: see its log; with cert-manager, see its cainjector',
      ),
    ];
  if (own.service !== undefined) {
    const ready = replicas?.ready;
    if (ready === undefined) return [unknown('certificate', 'no replica is ready that could be asked')];
    const stream = await cluster.forward(ready.pod, ready.port);
    return checkCertificate(
      await served(stream, `${own.service.name}.${own.service.namespace}.svc`, own.caBundle),
      Date.now(),
    );
  }
  const url = new URL(own.url ?? '');
  return checkCertificate(
    await served({ host: url.hostname, port: Number(url.port || 443) }, url.hostname, own.caBundle),
    Date.now(),
  );
}

/** @param peer a connection, or where to connect to */
function served(peer: Duplex | { host: string; port: number }, name: string, ca: string): Promise<Served> {
  const action = `ask ${name} for its certificate`;
  return new Promise((resolve, reject) => {
    const target = 'host' in peer ? peer : { socket: peer };
    // It is looked at whatever it is; nothing is sent.
    const socket: TLSSocket = connect({
      ...target,
      servername: name,
      ...(ca === '' ? {} : { ca }),
      rejectUnauthorized: false,
    });
    const timer = setTimeout(
      () => socket.destroy(new KubernetesError('timeout', action, `no answer within ${HANDSHAKE_MS} ms`)),
      HANDSHAKE_MS,
    );
    socket.once('error', (error) => {
      clearTimeout(timer);
      const code = 'code' in error ? String(error.code).slice(0, 64) : error.message.slice(0, 200);
      reject(
        error instanceof KubernetesError
          ? error
          : new KubernetesError('unreachable', action, `it cannot be reached from here (${code})`),
      );
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      const certificate = socket.getPeerCertificate();
      const wrongName = checkServerIdentity(name, certificate)?.message;
      const distrust = socket.authorized
        ? undefined
        : String(socket.authorizationError ?? 'not signed by it');
      resolve({
        // The name's own message says more than its code.
        trouble: distrust === undefined || distrust.includes('ALTNAME') ? wrongName : distrust,
        notBefore: Date.parse(certificate.valid_from),
        notAfter: Date.parse(certificate.valid_to),
      });
      socket.destroy();
    });
  });
}

/** A pod of two containers that passes Pod Security "restricted". It is never stored. */
export function testPod(namespace: string): JsonRecord {
  const container = (name: string) => ({
    name,
    image: 'registry.k8s.io/pause:3.9',
    command: ['/pause'],
    resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '100m', memory: '32Mi' } },
    securityContext: {
      ...{
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        runAsUser: 65_532,
      },
      ...{ capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } },
    },
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'curfew-check-', namespace, annotations: { [SIDECARS]: 'sidecar' } },
    spec: {
      ...{ restartPolicy: 'Never', automountServiceAccountToken: false },
      containers: [container('main'), container('sidecar')],
    },
  };
}

/** The test's pod as it would be stored. */
export async function dryRun(
  cluster: Reader,
  namespace: string,
): Promise<{ line: Line; pod: JsonRecord | undefined }> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?dryRun=All`;
  try {
    const pod = await cluster.ask(path, `create a pod in ${namespace} (dry run)`, testPod(namespace));
    return { line: checkDryRun(namespace, pod), pod };
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    const { said = '', code } = error;
    const isRight = code === 'forbidden' && /cannot create resource/.test(said);
    if (isRight || said === '') return { line: unknown('dry run', sayFailure(error)), pod: undefined };
    return { line: checkRefusedDryRun(namespace, said), pod: undefined };
  }
}

/** What the webhook's service account may do. @throws {KubernetesError} */
export async function rightsLine(
  cluster: Reader,
  pods: readonly JsonRecord[],
  needs: Needs,
  labelled: string | undefined,
): Promise<Line[]> {
  const [pod] = pods;
  if (pod === undefined)
    return [unknown('rights', 'no replica is there whose service account could be asked for')];
  const namespace = text(part(pod, 'metadata'), 'namespace');
  const account = text(part(pod, 'spec'), 'serviceAccountName') || 'default';
  const rights = rightsNeeded(needs, namespace, labelled);
  const answers = await Promise.all(
    rights.map(async (right) => {
      const answer = await cluster.ask(
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        'review an access',
        {
          ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' },
          spec: {
            user: `system:serviceaccount:${namespace}:${account}`,
            groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
            resourceAttributes: right,
          },
        },
      );
      return { right, allowed: part(answer, 'status').allowed === true };
    }),
  );
  const lacking = answers.filter(({ allowed }) => !allowed).map(({ right }) => right);
  return [checkRights(`service account ${namespace}/${account}`, rights.length, lacking)];
}

/** Whether both images can be pulled. @param ask a registry's word; undefined: it has the image */
export async function imageLines(
  cluster: Reader,
  webhookPods: readonly JsonRecord[],
  dryRunPod: JsonRecord | undefined,
  namespace: string | undefined,
  ask: ((image: string, pod: JsonRecord) => Promise<string | undefined>) | undefined,
): Promise<Line[]> {
  const lines = [checkWebhookImage(webhookPods)];
  const image = dryRunPod === undefined ? undefined : shimImageOf(dryRunPod);
  if (dryRunPod === undefined || namespace === undefined || image === undefined) return lines;
  const pods: JsonRecord[] = [];
  for await (const pod of cluster.list(PODS, namespace)) {
    if (pods.length >= MOST_PODS) break;
    pods.push(pod);
  }
  const seen = seenShimImage(image, pods);
  if (seen !== undefined) return [...lines, seen];
  if (ask === undefined) return [...lines, unknown("the shim's image", `no pod has pulled ${image} yet`)];
  return [...lines, askedShimImage(image, await ask(image, dryRunPod))];
}
