/** Another mutating webhook beside Curfew's: an HTTPS server of the tests, registered for one test's namespace. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import type { TestPod } from '../webhook/decision/mutated-pod.ts';
import { Namespace } from './cluster.ts';
import { kubectl, mustKubectl, until } from './kubectl.ts';
import { pod, steps } from './manifests.ts';
import { NODE_IP } from './webhook.ts';

const REVIEW = z.object({
  request: z.object({
    uid: z.string(),
    dryRun: z.boolean(),
    object: z.custom<TestPod>((value) => z.object({ spec: z.object({}) }).safeParse(value).success),
  }),
});

/** The label of a pod for which the other webhook is not asked. */
export const NOT_ASKED = 'curfew-test-not-asked';

/** How the other webhook differs from Curfew's. */
export interface OtherWebhook {
  /** The API server asks configurations in the order of their names, and Curfew's is called `curfew`. */
  asked: 'before' | 'after';
  /** Never, as Istio's, Linkerd's and Vault's, unless said otherwise. */
  reinvocationPolicy?: 'Never' | 'IfNeeded';
  /** The value of the namespace's label; `enabled` unless said otherwise. */
  label?: 'enabled' | 'native' | 'auto';
  /** Changes a pod, and returns it. It may change the object that it gets. */
  mutate(pod: TestPod): TestPod;
}

/** A namespace for whose pods both webhooks are asked. */
interface Injected {
  ns: Namespace;
  /** How often the other webhook was called for a pod, without dry runs. */
  calls(): number;
}

/** Serve and register it until the test ends. When this returns, the API server calls it. */
export async function beside(t: TestContext, name: string, other: OtherWebhook): Promise<Injected> {
  const folder = join(process.env.STATE ?? '', 'webhook');
  // Curfew's own certificate is for this address too.
  const tls = { cert: readFileSync(join(folder, 'tls.crt')), key: readFileSync(join(folder, 'tls.key')) };
  let calls = 0;
  let dryRuns = 0;
  const server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { uid, dryRun, object } = REVIEW.parse(JSON.parse(Buffer.concat(chunks).toString())).request;
      if (dryRun) dryRuns++;
      else calls++;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(uid, other.mutate(object))));
    });
  });
  server.listen(0, NODE_IP);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  const id = `curfew-test-${randomBytes(3).toString('hex')}`;
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: `${other.asked === 'before' ? 'a' : 'z'}-${id}` },
    webhooks: [
      {
        name: `${id}.example.com`,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        reinvocationPolicy: other.reinvocationPolicy ?? 'Never',
        objectSelector: { matchExpressions: [{ key: NOT_ASKED, operator: 'DoesNotExist' }] },
        namespaceSelector: { matchLabels: { [id]: 'yes' } },
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
        clientConfig: {
          url: `https://${NODE_IP}:${address.port}/`,
          caBundle: readFileSync(join(folder, 'ca.crt')).toString('base64'),
        },
      },
    ],
  };
  t.after(async () => {
    await kubectl(['delete', 'mutatingwebhookconfiguration', configuration.metadata.name]);
    server.closeAllConnections();
    server.close();
  });
  await mustKubectl(['create', '-f', '-'], JSON.stringify(configuration));
  const ns = await Namespace.make(t, name, { [id]: 'yes', 'curfew.dev/injection': other.label ?? 'enabled' });
  await until('a dry run of which the other webhook hears', async () => {
    await ns.tryCreate(pod('dry', [steps('main', 'exit 0')]), '--dry-run=server');
    return dryRuns > 0 ? true : undefined;
  });
  return { ns, calls: () => calls };
}

function answer(uid: string, { metadata, spec }: TestPod): object {
  const operations = [
    { op: 'add', path: '/metadata/annotations', value: metadata.annotations ?? {} },
    { op: 'add', path: '/metadata/labels', value: metadata.labels ?? {} },
    { op: 'replace', path: '/spec', value: spec },
  ];
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, patchType: 'JSONPatch', patch },
  };
}
