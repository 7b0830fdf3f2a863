import type { CataloguedSidecar } from './catalogue-entry.ts';

/** `otc-container` is the operator's name for its sidecar. */
const COLLECTOR_NAMES = [
  'otc-container',
  'otel-collector',
  'opentelemetry-collector',
  'otel-collector-sidecar',
];

/** What logs and measures: it must hear the others' last words. */
export const TELEMETRY_SIDECARS: readonly CataloguedSidecar[] = [
  {
    what: 'Fluent Bit',
    names: ['fluent-bit', 'fluentbit', 'fluent-bit-sidecar'],
    images: ['fluent-bit', 'aws-for-fluent-bit', 'mirrored-fluent-fluent-bit'],
    order: 40,
    source: 'fluent/fluent-bit: dockerfiles; aws/aws-for-fluent-bit: README.md',
  },
  {
    what: 'Fluentd',
    names: ['fluentd', 'fluentd-sidecar'],
    images: ['fluentd', 'fluentd-kubernetes-daemonset'],
    order: 40,
    source: 'fluent/fluentd-docker-image: README.md',
  },
  {
    what: 'Filebeat',
    names: ['filebeat', 'filebeat-sidecar'],
    images: ['filebeat', 'filebeat-oss', 'filebeat-wolfi'],
    order: 40,
    source: 'elastic.co: Filebeat on Docker',
  },
  {
    what: 'Vector',
    names: ['vector', 'vector-agent', 'vector-sidecar'],
    images: ['timberio/vector'],
    order: 40,
    source: 'vector.dev: installation on Docker; vectordotdev/vector: distribution/docker',
  },
  {
    what: 'Promtail',
    names: ['promtail', 'promtail-sidecar'],
    images: ['grafana/promtail'],
    order: 40,
    source: 'grafana/loki: clients/cmd/promtail/Dockerfile',
  },
  {
    what: 'Grafana Alloy',
    names: ['alloy', 'grafana-alloy'],
    images: ['grafana/alloy'],
    order: 40,
    source: 'grafana.com: Alloy, run on Docker',
  },
  {
    what: 'OpenTelemetry collector',
    names: COLLECTOR_NAMES,
    images: ['otel/opentelemetry-collector', 'opentelemetry-collector-releases/opentelemetry-collector'],
    order: 40,
    entrypoint: ['/otelcol'],
    source:
      'open-telemetry/opentelemetry-collector-releases: distributions/otelcol/Dockerfile; open-telemetry/opentelemetry-operator: internal/naming',
  },
  {
    what: 'OpenTelemetry collector, contrib',
    names: COLLECTOR_NAMES,
    images: [
      'otel/opentelemetry-collector-contrib',
      'opentelemetry-collector-releases/opentelemetry-collector-contrib',
    ],
    order: 40,
    entrypoint: ['/otelcol-contrib'],
    source: 'open-telemetry/opentelemetry-collector-releases: distributions/otelcol-contrib/Dockerfile',
  },
  {
    what: 'OpenTelemetry collector, k8s',
    names: COLLECTOR_NAMES,
    images: [
      'otel/opentelemetry-collector-k8s',
      'opentelemetry-collector-releases/opentelemetry-collector-k8s',
    ],
    order: 40,
    entrypoint: ['/otelcol-k8s'],
    source: 'open-telemetry/opentelemetry-collector-releases: distributions/otelcol-k8s/Dockerfile',
  },
  {
    // Chainguard's and Red Hat's start another program.
    what: 'OpenTelemetry collector, mirrors and other builds',
    names: COLLECTOR_NAMES,
    images: [
      'opentelemetry-collector',
      'opentelemetry-collector-contrib',
      'opentelemetry-collector-k8s',
      'opentelemetry-collector-otlp',
      'opentelemetry-collector-rhel*',
    ],
    order: 40,
    source:
      'open-telemetry/opentelemetry-collector-releases: distributions; docs.redhat.com: Red Hat build of OpenTelemetry',
  },
  {
    what: 'AWS Distro for OpenTelemetry',
    names: [...COLLECTOR_NAMES, 'aws-otel-collector', 'adot-collector', 'adot'],
    images: ['aws-otel-collector'],
    order: 40,
    entrypoint: ['/awscollector'],
    cmd: ['--config=/etc/otel-config.yaml'],
    source: 'aws-observability/aws-otel-collector: cmd/awscollector/Dockerfile',
  },
  {
    what: 'OpenTelemetry auto-instrumentation for Go',
    names: ['opentelemetry-auto-instrumentation'],
    images: ['autoinstrumentation-go'],
    order: 40,
    source:
      'open-telemetry/opentelemetry-operator: internal/instrumentation/golang.go, internal/config/config.go',
  },
  {
    what: 'Jaeger agent',
    names: ['jaeger-agent'],
    images: ['jaegertracing/jaeger-agent'],
    order: 40,
    entrypoint: ['/go/bin/agent-linux'],
    cmd: [],
    source: 'jaegertracing/jaeger: cmd/agent/Dockerfile',
  },
  {
    what: 'AWS X-Ray daemon',
    names: ['xray-daemon', 'aws-xray-daemon', 'x-ray-daemon'],
    images: ['xray/aws-xray-daemon', 'amazon/aws-xray-daemon'],
    order: 40,
    source: 'docs.aws.amazon.com: X-Ray daemon',
  },
  {
    what: 'Amazon CloudWatch agent',
    names: ['cloudwatch-agent'],
    images: ['cloudwatch-agent/cloudwatch-agent', 'amazon/cloudwatch-agent'],
    order: 40,
    source: 'docs.aws.amazon.com: CloudWatch agent',
  },
  {
    what: 'Datadog agent',
    names: ['datadog-agent-injected', 'datadog-agent'],
    images: ['datadog/agent', 'datadoghq/agent'],
    order: 40,
    source: 'DataDog/datadog-agent: pkg/clusteragent/admission/mutate/agent_sidecar',
  },
  {
    what: 'New Relic infrastructure agent',
    names: ['newrelic-infrastructure-sidecar', 'newrelic-infrastructure'],
    images: ['newrelic/infrastructure', 'newrelic/infrastructure-bundle', 'newrelic/infrastructure-k8s'],
    order: 40,
    source: 'newrelic/newrelic-infra-operator: internal/mutator/pod/agent/injector.go',
  },
  {
    what: 'StatsD exporter',
    names: ['statsd-exporter'],
    images: ['prom/statsd-exporter', 'prometheus/statsd-exporter'],
    order: 40,
    source: 'prometheus/statsd_exporter: README.md',
  },
  {
    what: 'Telegraf',
    names: ['telegraf'],
    images: ['telegraf'],
    order: 40,
    source: 'influxdata/telegraf-operator: README.md',
  },
];
