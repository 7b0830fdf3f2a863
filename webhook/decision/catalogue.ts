import type { KnownSidecar } from './known-sidecar.ts';

/**
 * The sidecars that Curfew knows by name and image. To add one: an entry here, with only such facts as its injector, its
 * documentation or its Dockerfile states (the source beside it). Leave out what varies: a sidecar's own probes and the
 * command in its spec serve as well, and an image can be looked up.
 *
 * Orders: 10 network, 20 credentials, 30 databases, 40 what logs and measures.
 */
export const CATALOGUE: readonly KnownSidecar[] = [
  // Meshes and proxies: nothing else has a network before they do.
  {
    // istio/istio: pilot/docker/Dockerfile.proxyv2; the status port of the injection template
    names: ['istio-proxy'],
    images: ['proxyv2'],
    order: 10,
    ready: 'http://:15021/healthz/ready',
    entrypoint: ['/usr/local/bin/pilot-agent'],
  },
  {
    // linkerd/linkerd2: the proxy image's Dockerfile; linkerd.io/2/reference/proxy-metrics for the admin port
    names: ['linkerd-proxy'],
    images: ['linkerd/proxy'],
    order: 10,
    ready: 'http://:4191/ready',
    entrypoint: ['/usr/lib/linkerd/linkerd2-proxy-identity'],
    cmd: [],
  },
  {
    // linkerd/linkerd2: Dockerfile-debug; charts/partials/templates/_debug.tpl
    names: ['linkerd-debug'],
    images: ['linkerd/debug'],
    order: 40,
    entrypoint: ['tshark', '-i', 'any'],
    cmd: [],
  },
  { names: ['consul-dataplane'], images: ['consul-dataplane'], order: 10 },
  {
    // kumahq/kuma: the kuma-dp image's Dockerfile
    names: ['kuma-sidecar'],
    images: ['kuma-dp'],
    order: 10,
    entrypoint: ['kuma-dp'],
  },
  {
    names: ['envoy', 'envoy-proxy', 'envoy-sidecar'],
    images: ['envoyproxy/envoy', 'envoyproxy/envoy-distroless', 'aws-appmesh-envoy'],
    order: 10,
  },
  { names: ['tailscale', 'ts-sidecar'], images: ['tailscale/tailscale'], order: 10 },
  {
    // docs.dapr.io: sidecar health. The endpoint that does not wait for the app, which waits for daprd here.
    names: ['daprd'],
    images: ['daprd'],
    order: 15,
    ready: 'http://:3500/v1.0/healthz/outbound',
  },

  // Credentials.
  { names: ['vault-agent'], images: ['vault', 'vault-enterprise'], order: 20 },
  { names: ['azwi-proxy'], images: ['azure-workload-identity/proxy', 'workload-identity/proxy'], order: 20 },
  { names: ['spiffe-helper'], images: ['spiffe-helper'], order: 20 },
  { names: ['oauth2-proxy'], images: ['oauth2-proxy'], order: 20 },

  // Databases and storage.
  {
    // GoogleCloudPlatform/cloud-sql-proxy: Dockerfile. Its health checks are off by default.
    names: ['cloud-sql-proxy', 'cloudsql-proxy', 'cloud-sql-auth-proxy'],
    images: ['cloud-sql-connectors/cloud-sql-proxy'],
    order: 30,
    entrypoint: ['/cloud-sql-proxy'],
    cmd: [],
  },
  {
    // Version 1: the documentation has every pod set its command.
    names: ['cloud-sql-proxy', 'cloudsql-proxy', 'cloud-sql-auth-proxy'],
    images: ['cloudsql-docker/gce-proxy'],
    order: 30,
  },
  {
    // GoogleCloudPlatform/alloydb-auth-proxy: Dockerfile
    names: ['alloydb-auth-proxy', 'alloydb-proxy'],
    images: ['alloydb-connectors/alloydb-auth-proxy'],
    order: 30,
    entrypoint: ['/alloydb-auth-proxy'],
    cmd: [],
  },
  { names: ['pgbouncer'], images: ['pgbouncer'], order: 30 },
  { names: ['gke-gcsfuse-sidecar'], images: ['gcs-fuse-csi-driver-sidecar-mounter'], order: 30 },

  // What logs and measures.
  { names: ['fluent-bit', 'fluentbit'], images: ['fluent-bit', 'aws-for-fluent-bit'], order: 40 },
  { names: ['fluentd'], images: ['fluentd', 'fluentd-kubernetes-daemonset'], order: 40 },
  { names: ['filebeat'], images: ['filebeat', 'filebeat-oss'], order: 40 },
  { names: ['vector'], images: ['timberio/vector'], order: 40 },
  { names: ['promtail'], images: ['grafana/promtail'], order: 40 },
  {
    // otel/opentelemetry-collector-releases: distributions/otelcol/Dockerfile; the operator's name for its sidecar
    names: ['otc-container', 'otel-collector', 'opentelemetry-collector'],
    images: ['opentelemetry-collector'],
    order: 40,
    entrypoint: ['/otelcol'],
  },
  {
    // distributions/otelcol-contrib/Dockerfile
    names: ['otc-container', 'otel-collector', 'opentelemetry-collector'],
    images: ['opentelemetry-collector-contrib'],
    order: 40,
    entrypoint: ['/otelcol-contrib'],
  },
  {
    // jaegertracing/jaeger: cmd/agent/Dockerfile
    names: ['jaeger-agent'],
    images: ['jaegertracing/jaeger-agent'],
    order: 40,
    entrypoint: ['/go/bin/agent-linux'],
    cmd: [],
  },
  {
    names: ['xray-daemon', 'aws-xray-daemon', 'x-ray-daemon'],
    images: ['xray/aws-xray-daemon', 'amazon/aws-xray-daemon'],
    order: 40,
  },
  {
    names: ['cloudwatch-agent'],
    images: ['cloudwatch-agent/cloudwatch-agent', 'amazon/cloudwatch-agent'],
    order: 40,
  },
  {
    names: ['datadog-agent-injected', 'datadog-agent'],
    images: ['datadog/agent', 'datadoghq/agent'],
    order: 40,
  },
];
