import type { CataloguedSidecar } from './catalogue-entry.ts';

const ENVOY_NAMES = ['envoy', 'envoy-proxy', 'envoy-sidecar', 'consul-connect-envoy-sidecar'];

/** Meshes and proxies: nothing else has a network before they do. */
export const NETWORK_SIDECARS: readonly CataloguedSidecar[] = [
  {
    what: 'Istio; also OpenShift Service Mesh, Maistra, Rancher, Chainguard',
    names: ['istio-proxy'],
    images: [
      'proxyv2',
      'proxyv2-distroless',
      'proxyv2-rhel*',
      'proxyv2-ubi*',
      'istio-proxyv2',
      'istio-proxyv2-rhel*',
      'mirrored-istio-proxyv2',
      'istio-proxy',
      'istio-proxy-fips',
    ],
    order: 10,
    ready: 'http://:15021/healthz/ready',
    settings: { isOpen: true, port: ['ENVOY_STATUS_PORT'], unless: ['status.sidecar.istio.io/port', '0'] },
    entrypoint: ['/usr/local/bin/pilot-agent'],
    source:
      'istio/istio: pilot/docker/Dockerfile.proxyv2, manifests/charts/istio-control/istio-discovery/files, pilot/cmd/pilot-agent/options; maistra/istio: pilot/docker/Dockerfile.proxyv2.maistra; chainguard-images/images: images/istio-proxy',
  },
  {
    what: 'Linkerd',
    names: ['linkerd-proxy'],
    images: ['linkerd/proxy', 'linkerd-io/proxy'],
    order: 10,
    ready: 'http://:4191/ready',
    settings: { isOpen: true, port: ['LINKERD2_PROXY_ADMIN_LISTEN_ADDR', ':linkerd-admin'] },
    entrypoint: ['/usr/lib/linkerd/linkerd2-proxy-identity'],
    cmd: [],
    source: 'linkerd/linkerd2: Dockerfile.proxy, charts/partials/templates/_proxy.tpl',
  },
  {
    what: "Linkerd, Buoyant's build",
    names: ['linkerd-proxy'],
    images: ['buoyantio/proxy'],
    order: 10,
    ready: 'http://:4191/ready',
    settings: { isOpen: true, port: ['LINKERD2_PROXY_ADMIN_LISTEN_ADDR', ':linkerd-admin'] },
    source:
      'docs.buoyant.io: Buoyant Enterprise for Linkerd; linkerd/linkerd2: charts/partials/templates/_proxy.tpl',
  },
  {
    what: "Linkerd's debug container",
    names: ['linkerd-debug'],
    images: ['linkerd/debug'],
    order: 40,
    entrypoint: ['tshark', '-i', 'any'],
    cmd: [],
    source: 'linkerd/linkerd2: Dockerfile-debug, charts/partials/templates/_debug.tpl',
  },
  {
    // Each service of a pod with several has its own. Its probe is the injector's.
    what: 'Consul dataplane',
    names: ['consul-dataplane', 'consul-dataplane-*'],
    images: ['consul-dataplane', 'consul-dataplane-fips'],
    order: 10,
    entrypoint: ['/usr/local/bin/dumb-init', '/usr/local/bin/consul-dataplane'],
    cmd: [],
    source:
      'hashicorp/consul-dataplane: Dockerfile; hashicorp/consul-k8s: control-plane/connect-inject/webhook/consul_dataplane_sidecar.go',
  },
  {
    what: 'Kuma, Kong Mesh',
    names: ['kuma-sidecar'],
    images: ['kuma-dp'],
    order: 10,
    entrypoint: ['kuma-dp'],
    source:
      'kumahq/kuma: tools/releases/dockerfiles/kuma-dp.Dockerfile, pkg/plugins/runtime/k8s/containers/factory.go',
  },
  {
    // Where its admin interface listens stands in a file.
    what: 'Envoy; also Open Service Mesh, Consul before 1.14, AWS App Mesh',
    names: ENVOY_NAMES,
    images: [
      'envoyproxy/envoy',
      'envoyproxy/envoy-alpine',
      'envoyproxy/envoy-contrib',
      'envoyproxy/envoy-distroless',
      'hashicorp/envoy',
      'aws-appmesh-envoy',
    ],
    order: 10,
    source:
      'envoyproxy/envoy: distribution/docker; openservicemesh/osm: pkg/injector/envoy_container.go; docs.aws.amazon.com: App Mesh, Envoy image',
  },
  {
    // Its documentation: TERM closes every connection, USR1 lets them end.
    what: 'HAProxy',
    names: ['haproxy', 'haproxy-sidecar'],
    images: ['haproxy', 'haproxy-alpine'],
    order: 10,
    stopSignal: 'USR1',
    source: 'docker-library/haproxy: Dockerfile.template; haproxytech/haproxy-docker-alpine: Dockerfile',
  },
  {
    what: 'Tailscale',
    names: ['tailscale', 'tailscale-sidecar', 'ts-sidecar'],
    images: ['tailscale/tailscale'],
    order: 10,
    ready: 'http://:9002/healthz',
    settings: { isOpen: true, port: ['TS_LOCAL_ADDR_PORT'], onlyWith: ['TS_ENABLE_HEALTH_CHECK'] },
    source: 'tailscale/tailscale: docs/k8s/sidecar.yaml, cmd/containerboot/main.go',
  },
  {
    what: 'GOST',
    names: ['gost'],
    images: ['ginuerzh/gost', 'gogost/gost'],
    order: 10,
    source: 'go-gost/gost: README.md; ginuerzh/gost: README.md',
  },
  {
    // The endpoint that does not wait for the app, which waits for daprd here; its readiness probe asks the one that does.
    what: 'Dapr',
    names: ['daprd'],
    images: ['daprd'],
    order: 15,
    ready: 'http://:3500/v1.0/healthz/outbound',
    settings: { port: ['--dapr-http-port', ':dapr-http'] },
    ignoreProbes: true,
    source: 'docs.dapr.io: sidecar health; dapr/dapr: pkg/injector/patcher/sidecar_container.go',
  },
];
