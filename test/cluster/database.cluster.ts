/** The case that started KEP-753: a migration through a database proxy, with a real PostgreSQL and a real pgbouncer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container, V1Deployment } from '@kubernetes/client-node';
import { exitCodes, Namespace } from './cluster.ts';
import { timeout } from './kubectl.ts';
import { job, sidecars } from './manifests.ts';
import { hasKubeProxy } from './version.ts';

const image = { image: 'localhost/postgres:1', imagePullPolicy: 'Never' };
const tmp = { volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] };
const securityContext = {
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};

const SERVER = `initdb -D /tmp/db -U postgres -A trust --no-sync >/tmp/initdb.log || exit
echo 'host all all all trust' >>/tmp/db/pg_hba.conf
exec postgres -D /tmp/db -c listen_addresses='*' -c fsync=off -c unix_socket_directories=/tmp`;

// The kubelet sets the Service's address. psql would fail if it ran before the proxy is ready.
const PROXY = `cat >/tmp/pgbouncer.ini <<END
[databases]
app = host=$(POSTGRES_SERVICE_HOST) port=5432 dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6432
auth_type = any
END
sleep 3
exec pgbouncer /tmp/pgbouncer.ini`;

const MIGRATION = `begin;
create table visits (id bigint primary key, seen timestamptz not null default now());
insert into visits (id) select generate_series(1, 1000);
commit;
`;

const server: V1Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'postgres' },
  spec: {
    selector: { matchLabels: { app: 'postgres' } },
    template: {
      metadata: { labels: { app: 'postgres' } },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 5,
        containers: [
          {
            name: 'postgres',
            ...image,
            ...tmp,
            command: ['sh', '-c', SERVER],
            securityContext: { ...securityContext, runAsUser: 70 },
            readinessProbe: {
              exec: { command: ['pg_isready', '-h', '127.0.0.1', '-U', 'postgres'] },
              periodSeconds: 1,
            },
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: {} }],
      },
    },
  },
};

const title = 'L1 L2 L6 L7 psql migrates a PostgreSQL through a pgbouncer beside it, and the Job completes';
const skip = !hasKubeProxy() && 'K8S_BIN has no kube-proxy, and the database is behind a Service';

test(title, { skip }, async (t) => {
  const ns = await Namespace.make(t, 'database');
  await ns.create(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'postgres' },
      ...{ spec: { selector: { app: 'postgres' }, ports: [{ port: 5432 }] } },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'migrations' },
      ...{ data: { '1.sql': MIGRATION } },
    },
    server,
  );
  await ns.kubectl('wait', 'deployment/postgres', '--for=condition=Available', timeout(120));
  const psql: V1Container = {
    name: 'migrate',
    ...image,
    command: ['psql'],
    args: [
      ...['-h', '127.0.0.1', '-p', '6432', '-U', 'app', '-d', 'app'],
      ...['-v', 'ON_ERROR_STOP=1', '-f', '/migrations/1.sql'],
    ],
    volumeMounts: [{ name: 'migrations', mountPath: '/migrations' }],
    securityContext: { ...securityContext, runAsUser: 1000 },
  };
  const pgbouncer: V1Container = {
    name: 'pgbouncer',
    ...image,
    ...tmp,
    command: ['sh', '-c', PROXY],
    securityContext: { ...securityContext, runAsUser: 2000 },
  };
  const annotations = { ...sidecars('pgbouncer'), 'ready.curfew.dev/pgbouncer': 'tcp://:6432' };
  const volumes = [
    { name: 'tmp', emptyDir: {} },
    { name: 'migrations', configMap: { name: 'migrations' } },
  ];
  await ns.create(job('migrate', [psql, pgbouncer], { annotations, spec: { volumes } }));
  const name = await ns.podOf('migrate');
  await ns.waitForJob('migrate');
  assert.deepEqual(exitCodes(await ns.pod(name)), { migrate: 0, pgbouncer: 0 });
  const count = ['psql', '-h', '127.0.0.1', '-U', 'postgres', '-At', '-c', 'select count(*) from visits'];
  assert.equal((await ns.kubectl('exec', 'deployment/postgres', '--', ...count)).trim(), '1000');
});
