import type { CataloguedSidecar } from './catalogue-entry.ts';
import type { ReadySettings } from './known-sidecar.ts';

/** Its Kubernetes examples, Helm charts, Google's tutorials, and `csql-<namespace>-<name>` of the Cloud SQL operator. */
const CLOUD_SQL_NAMES = [
  'cloud-sql-proxy',
  'cloudsql-proxy',
  'cloud-sql-auth-proxy',
  'cloudsql-auth-proxy',
  'cloudsqlproxy',
  'gce-proxy',
  'sql-proxy',
  'sqlproxy',
  'cloudsql',
  'sql',
  'csql-*',
  '*-cloudsql-proxy',
  '*-cloud-sql-proxy',
];
/** A container called so may as well run a script. */
const CLOUD_SQL_VAGUE = { names: ['sql'] };

/** `/startup` answers when it takes connections; its health checks are off by default. */
const CLOUD_SQL_READY = 'http://:9090/startup';
const CLOUD_SQL_SETTINGS: ReadySettings = {
  port: ['--http-port', 'CSQL_PROXY_HTTP_PORT'],
  host: ['--http-address', 'CSQL_PROXY_HTTP_ADDRESS'],
  onlyWith: ['--health-check', 'CSQL_PROXY_HEALTH_CHECK'],
};
const ALLOYDB_SETTINGS: ReadySettings = {
  port: ['--http-port', 'ALLOYDB_PROXY_HTTP_PORT'],
  host: ['--http-address', 'ALLOYDB_PROXY_HTTP_ADDRESS'],
  onlyWith: ['--health-check', 'ALLOYDB_PROXY_HEALTH_CHECK'],
};

/** Databases, storage, and what else a main works on. */
export const DATABASE_SIDECARS: readonly CataloguedSidecar[] = [
  {
    what: 'Cloud SQL Auth Proxy',
    names: CLOUD_SQL_NAMES,
    images: ['cloud-sql-connectors/cloud-sql-proxy'],
    order: 30,
    ready: CLOUD_SQL_READY,
    settings: CLOUD_SQL_SETTINGS,
    entrypoint: ['/cloud-sql-proxy'],
    cmd: [],
    vague: CLOUD_SQL_VAGUE,
    source:
      'GoogleCloudPlatform/cloud-sql-proxy: Dockerfile, cmd/root.go, examples; GoogleCloudPlatform/cloud-sql-proxy-operator: internal/workload',
  },
  {
    // Under another path it may be somebody's own build of either version.
    what: 'Cloud SQL Auth Proxy, a mirror',
    names: CLOUD_SQL_NAMES,
    images: [
      'cloud-sql-proxy',
      'cloud-sql-proxy-alpine',
      'cloud-sql-proxy-bookworm',
      'cloud-sql-proxy-bullseye',
      'cloud-sql-proxy-buster',
    ],
    order: 30,
    ready: CLOUD_SQL_READY,
    settings: CLOUD_SQL_SETTINGS,
    vague: CLOUD_SQL_VAGUE,
    source: 'GoogleCloudPlatform/cloud-sql-proxy: README.md (container images), cmd/root.go',
  },
  {
    // The documentation has every pod set its command.
    what: 'Cloud SQL Auth Proxy, version 1',
    names: CLOUD_SQL_NAMES,
    images: ['gce-proxy', 'gce-proxy-alpine', 'gce-proxy-buster'],
    order: 30,
    ready: 'http://:8090/startup',
    settings: { isOpen: true, port: ['-health_check_port'], onlyWith: ['-use_http_health_check'] },
    vague: CLOUD_SQL_VAGUE,
    source: 'GoogleCloudPlatform/cloud-sql-proxy v1.33: README.md, cmd/cloud_sql_proxy/cloud_sql_proxy.go',
  },
  {
    what: 'AlloyDB Auth Proxy',
    names: ['alloydb-auth-proxy', 'alloydb-proxy', 'alloydb-auth-proxy-*'],
    images: ['alloydb-connectors/alloydb-auth-proxy'],
    order: 30,
    ready: 'http://:9090/startup',
    settings: ALLOYDB_SETTINGS,
    entrypoint: ['/alloydb-auth-proxy'],
    cmd: [],
    source: 'GoogleCloudPlatform/alloydb-auth-proxy: Dockerfile, cmd/root.go',
  },
  {
    what: 'AlloyDB Auth Proxy, a mirror',
    names: ['alloydb-auth-proxy', 'alloydb-proxy', 'alloydb-auth-proxy-*'],
    images: ['alloydb-auth-proxy'],
    order: 30,
    ready: 'http://:9090/startup',
    settings: ALLOYDB_SETTINGS,
    source: 'GoogleCloudPlatform/alloydb-auth-proxy: cmd/root.go',
  },
  {
    what: 'PGAdapter (Spanner)',
    names: ['pgadapter'],
    images: ['pgadapter'],
    order: 30,
    source: 'GoogleCloudPlatform/pgadapter: docs/sidecar-proxy.md',
  },
  {
    what: 'PgBouncer',
    names: ['pgbouncer', 'pgbouncer-sidecar'],
    images: ['pgbouncer'],
    order: 30,
    source: 'edoburu/docker-pgbouncer: README.md',
  },
  {
    // Its driver tells it to end when every other container has ended, other sidecars among them, which wait for it if it is a main.
    what: 'Cloud Storage FUSE (GKE before 1.29)',
    names: ['gke-gcsfuse-sidecar'],
    images: ['gcs-fuse-csi-driver-sidecar-mounter'],
    order: 30,
    entrypoint: ['/gcs-fuse-csi-driver-sidecar-mounter'],
    source:
      'GoogleCloudPlatform/gcs-fuse-csi-driver: cmd/sidecar_mounter/Dockerfile, pkg/csi_driver/utils.go',
  },
  {
    // A container `docker` may be one that a build is run in; as a name it is left out.
    what: 'Docker in Docker',
    names: ['dind', 'dind-daemon', 'docker-daemon', 'docker-dind'],
    images: ['docker', 'docker-dind'],
    order: 30,
    vague: { imageWithout: ['dockerd', 'dockerd-entrypoint.sh', 'dind'] },
    source: 'docker-library/docker: README; actions/actions-runner-controller: charts/gha-runner-scale-set',
  },
];
