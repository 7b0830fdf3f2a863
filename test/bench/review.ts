/** The review of the webhook's benchmark: a migration Job's pod, as an API server of today sends it. */

/** Stands for the number of the pod, in all that is its own: uids, names, its Job's name, its token volume. */
const NUMBER = '424242424242';

/** @returns the review of a pod that no other number has, from {@link reviewText}; of the same length */
export function reviewOf(text: string, number: number): string {
  return text.replaceAll(NUMBER, String(number).padStart(NUMBER.length, '0'));
}

/** The size of an ordinary Job pod's review. */
const BYTES = 7_500;

const USER = 'system:serviceaccount:kube-system:job-controller';
const JOB = `orders-migration-${NUMBER}`;
const TOKEN_VOLUME = `kube-api-access-${NUMBER}`;
const LABELS = {
  'app.kubernetes.io/name': 'orders',
  'app.kubernetes.io/component': 'migration',
  'batch.kubernetes.io/controller-uid': `3f1d7f0e-98c7-4a57-8a0c-${NUMBER}`,
  'batch.kubernetes.io/job-name': JOB,
};

const env = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    name: `ORDERS_SETTING_${i}`,
    valueFrom: { secretKeyRef: { name: 'orders-database', key: `setting-${i}` } },
  }));

function container(name: string, command: string[], args: string[], settings: number) {
  return {
    name,
    image: `registry.example.com/orders/${name}:4.2.1`,
    command,
    args,
    env: env(settings),
    ports: [{ containerPort: 5432, protocol: 'TCP' }],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
    volumeMounts: [
      {
        name: TOKEN_VOLUME,
        readOnly: true,
        mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
      },
    ],
    readinessProbe: {
      tcpSocket: { port: 5432 },
      timeoutSeconds: 1,
      periodSeconds: 5,
      successThreshold: 1,
      failureThreshold: 3,
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
    },
  };
}

function withSettings(settings: number): string {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${JOB}-`,
      namespace: 'orders',
      labels: LABELS,
      annotations: { 'curfew.dev/sidecars': 'proxy', 'ready.curfew.dev/proxy': 'tcp://:5432' },
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          name: JOB,
          uid: LABELS['batch.kubernetes.io/controller-uid'],
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      finalizers: ['batch.kubernetes.io/job-tracking'],
    },
    spec: {
      restartPolicy: 'OnFailure',
      terminationGracePeriodSeconds: 30,
      serviceAccountName: 'orders',
      containers: [
        container('migrate', ['/app/migrate'], ['up', '--wait', '--lock-timeout=5m'], settings),
        container('proxy', ['/cloud-sql-proxy'], ['--port=5432', 'example:europe-west1:orders'], 4),
      ],
      volumes: [
        {
          name: TOKEN_VOLUME,
          projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }] },
        },
      ],
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      tolerations: ['not-ready', 'unreachable'].map((taint) => ({
        key: `node.kubernetes.io/${taint}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {},
  };
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: `705ab4f5-6393-11e8-b7cc-${NUMBER}`,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'orders',
      operation: 'CREATE',
      userInfo: { username: USER, groups: ['system:serviceaccounts', 'system:authenticated'] },
      object: pod,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  });
}

/** The review's text: as many settings as make it {@link BYTES} long, or a few bytes more. */
export function reviewText(): string {
  for (let settings = 0; ; settings++) {
    const text = withSettings(settings);
    if (text.length >= BYTES) return text;
  }
}
