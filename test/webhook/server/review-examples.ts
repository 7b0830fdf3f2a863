/**
 * AdmissionReviews as the API server sends them, for tests.
 */

/** A pod with a main and a sidecar, both with a command. */
export function jobPod(): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'migrate-',
      namespace: 'shop',
      annotations: { 'curfew.dev/sidecars': 'proxy' },
    },
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'migrate', image: 'registry.local/migrate:1', command: ['/migrate'], args: ['--all'] },
        {
          name: 'proxy',
          image: 'registry.local/proxy:1',
          command: ['/proxy'],
          env: [{ name: 'PASSWORD', value: 'hunter2' }],
        },
      ],
    },
  };
}

export interface ReviewOptions {
  uid?: string;
  operation?: string;
  resource?: Record<string, unknown>;
  subResource?: string;
  dryRun?: boolean;
}

/** A v1 review of an object. */
export function review(object: unknown, options: ReviewOptions = {}): Record<string, unknown> {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: options.uid ?? '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: options.resource ?? { group: '', version: 'v1', resource: 'pods' },
      ...(options.subResource === undefined ? {} : { subResource: options.subResource }),
      operation: options.operation ?? 'CREATE',
      namespace: 'shop',
      userInfo: { username: 'system:serviceaccount:kube-system:job-controller' },
      object,
      oldObject: null,
      dryRun: options.dryRun ?? false,
    },
  };
}
