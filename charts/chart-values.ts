/**
 * The types of the chart's values. `values.schema.json` is made from them, so Helm refuses a misspelt or impossible value before
 * anything is installed. The meaning of a value is in `values.yaml`, as a comment. The section `config` is the webhook's own
 * (`webhook/config/schema.ts`), without the keys that the chart fills in.
 */
import { z } from 'zod';

/** Kubernetes' own structures. The API server checks their fields. */
const object = z.record(z.string(), z.unknown());
const objects = z.array(object);
const texts = z.record(z.string(), z.string());
const bool = z.boolean();
const text = z.string();
/** Empty, or the name of an object. */
const name = z.string().regex(/^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$/);
const label = (most: number) =>
  z.string().regex(new RegExp(`^([a-z0-9]([a-z0-9-]{0,${most - 2}}[a-z0-9])?)?$`));
/** A duration as Go and cert-manager read it, without days. */
const goDuration = z.string().regex(/^([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)){1,4}$/);
/** A duration as Prometheus reads it: whole numbers, the longest unit first. */
const prometheusDuration = z
  .string()
  .min(1)
  .regex(
    /^([0-9]{1,2}y)?([0-9]{1,4}w)?([0-9]{1,5}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?([0-9]{1,12}ms)?$/,
  );
const amount = z.union([z.int().min(0), z.string().regex(/^[0-9]{1,3}%$/)]).nullish();
const seconds = z.int().min(1).max(3600);

const image = {
  repository: z.string().regex(/^[a-z0-9][A-Za-z0-9.:/_-]*$/),
  tag: z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/),
  digest: z.string().regex(/^(sha256:[a-f0-9]{64})?$/),
};
const pullPolicy = z.enum(['Always', 'IfNotPresent', 'Never']);
const selector = z
  .strictObject({
    matchLabels: texts,
    matchExpressions: z.array(
      z
        .strictObject({
          key: text,
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(text),
        })
        .partial({ values: true }),
    ),
  })
  .partial();
const probe = z
  .strictObject({
    initialDelaySeconds: z.int().min(0).max(3600),
    periodSeconds: seconds,
    timeoutSeconds: seconds,
    failureThreshold: z.int().min(1),
    successThreshold: z.int().min(1),
    terminationGracePeriodSeconds: seconds,
  })
  .partial();

const certificates = z.strictObject({
  source: z.enum(['selfManaged', 'certManager', 'secret']),
  certManager: z.strictObject({
    issuerRef: z.strictObject({ name, kind: text, group: text }).partial(),
    duration: goDuration,
    renewBefore: goDuration,
  }),
  secret: z.strictObject({
    name,
    caBundle: z.string().regex(/^\s*(-----BEGIN CERTIFICATE-----[\s\S]*|[A-Za-z0-9+/=]*)\s*$/),
  }),
});

const webhook = z.strictObject({
  failurePolicy: z.enum(['Fail', 'Ignore']),
  timeoutSeconds: z.int().min(1).max(10),
  matchPolicy: z.enum(['Equivalent', 'Exact']),
  reinvocationPolicy: z.enum(['IfNeeded', 'Never']),
  namespaceSelector: selector,
  excludedNamespaces: z.array(label(63)),
  objectSelector: selector,
  matchConditions: z.strictObject({
    enabled: bool,
    extra: z.array(z.strictObject({ name: z.string().min(1), expression: z.string().min(1) })).max(63),
  }),
  annotations: texts,
});

/** A structure that is optional may be removed with null. */
const pods = {
  podLabels: texts,
  podAnnotations: texts,
  priorityClassName: name,
  nodeSelector: texts.optional(),
  tolerations: objects,
  affinity: object.optional(),
  topologySpreadConstraints: objects,
  hostNetwork: bool,
  dnsPolicy: z.enum(['', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
  dnsConfig: object,
  hostAliases: objects,
  runtimeClassName: name,
  schedulerName: text,
  terminationGracePeriodSeconds: seconds.nullish(),
  revisionHistoryLimit: z.int().min(0),
  strategy: object.optional(),
  resources: object.optional(),
  podSecurityContext: object.optional(),
  securityContext: object.optional(),
  livenessProbe: probe,
  readinessProbe: probe,
  extraArgs: z.array(text),
  extraEnv: objects,
  extraEnvFrom: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
};

const monitor = z.strictObject({
  enabled: bool,
  labels: texts,
  interval: prometheusDuration,
  scrapeTimeout: prometheusDuration,
  relabelings: objects,
  metricRelabelings: objects,
});

/** The types of the values. Every key has its default in `values.yaml`, except in maps with the user's own keys. */
export const CHART_VALUES = z.strictObject({
  nameOverride: label(63),
  /** Of a Service too, whose name begins with a letter. */
  fullnameOverride: z.string().regex(/^([a-z]([a-z0-9-]{0,50}[a-z0-9])?)?$/),
  commonLabels: texts,
  replicaCount: z.int().min(0),
  image: z.strictObject({ ...image, pullPolicy }),
  shim: z.strictObject({ image: z.strictObject({ ...image, pullPolicy: pullPolicy.or(z.literal('')) }) }),
  imagePullSecrets: z.array(z.strictObject({ name })),
  config: z.strictObject({}),
  certificates,
  webhook,
  serviceAccount: z.strictObject({ create: bool, name, annotations: texts }),
  rbac: z.strictObject({ create: bool, pullSecretNamespaces: z.array(label(63).or(z.literal('*'))) }),
  service: z.strictObject({ port: z.int().min(1).max(65_535), annotations: texts }),
  ...pods,
  podDisruptionBudget: z.strictObject({ enabled: bool, minAvailable: amount, maxUnavailable: amount }),
  networkPolicy: z.strictObject({
    enabled: bool,
    webhookFrom: objects,
    healthFrom: objects,
    egress: objects,
  }),
  serviceMonitor: monitor,
  podMonitor: monitor,
  prometheusRule: z.strictObject({
    enabled: bool,
    labels: texts,
    selector: z.string().regex(/^([a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)"[^"]*"(, *)?)*$/),
    runbookUrl: z.string().regex(/^https?:\/\/[^\s#"']+$/),
    certificateHours: z.int().min(1).max(10_000),
  }),
  grafanaDashboard: z.strictObject({
    enabled: bool,
    labels: texts,
    annotations: texts,
    namespace: label(63),
  }),
});

/** Values that Helm itself sets when the chart is a dependency of another chart. */
export const OF_HELM = z.strictObject({
  global: object,
  /** The value that a parent chart's `condition` may name. */
  enabled: bool,
});
