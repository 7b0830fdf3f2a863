/** The review that the webhook is measured with: a migration Job's pod, as an API server of today sends it. */

/** What every review of its own has, in place of these: the uid, and the letters of the token volume's name. */
export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
export const TOKEN = '7xk2p';
/** What makes the reviews of two templates differ: a label. */
export const TEMPLATE = 'template-000000';

/** What reviews of ordinary Job pods weigh. */
const BYTES = 7_500;

const USER = 'system:serviceaccount:kube-system:job-controller';
const LABELS = {
  'app.kubernetes.io/name': 'orders',
  'app.kubernetes.io/component': 'migration',
  'example.com/template': TEMPLATE,
  'batch.kubernetes.io/controller-uid': '3f1d7f0e-98c7-4a57-8a0c-2f4b1f1a7f61',
  'batch.kubernetes.io/job-name': 'orders-migration',
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
        name: `kube-api-access-${TOKEN}`,
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
      generateName: 'orders-migration-',
      namespace: 'orders',
      labels: LABELS,
      annotations: { 'curfew.dev/sidecars': 'proxy', 'ready.curfew.dev/proxy': 'tcp://:5432' },
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          name: 'orders-migration',
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
          name: `kube-api-access-${TOKEN}`,
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
      uid: UID,
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
