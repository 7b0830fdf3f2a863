/** The commands that look at a cluster, on a real one: `curfew why`, `audit` and `check`. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { Namespace } from './cluster.ts';
import { mustKubectl, type Result, runProgram, until } from './kubectl.ts';
import { job, pod, sidecars, steps } from './manifests.ts';
import { CURFEW } from './webhook.ts';

const ANSWER = z.object({
  state: z.string(),
  holder: z.string().nullable(),
  headline: z.string(),
  lines: z.array(z.string()),
});
const REPORT = z.object({
  hanging: z.array(
    z.object({ pod: z.string(), sidecars: z.array(z.string()), holds: z.object({ cpu: z.string() }) }),
  ),
});
const CHECK = z.object({
  lines: z.array(z.object({ level: z.string(), subject: z.string(), text: z.string() })),
});

const CONFIG = z.looseObject({ users: z.array(z.object({ name: z.string() })) });

const curfew = (...args: string[]): Promise<Result> => runProgram(process.execPath, [CURFEW, ...args]);

/** Ask why until the answer has this holder. */
function heldBy(
  ns: Namespace,
  object: string,
  holder: string,
  ...flags: string[]
): Promise<z.output<typeof ANSWER>> {
  return until(`${object} is held by ${holder}`, async () => {
    const { stdout } = await curfew('why', object, '-n', ns.name, '-o', 'json', ...flags);
    const answer = stdout === '' ? undefined : ANSWER.parse(JSON.parse(stdout));
    return answer?.holder === holder && answer.state === 'held' ? answer : undefined;
  });
}

/** A kubeconfig for a service account, by a token that every version makes. */
async function kubeconfigOf(ns: Namespace, account: string): Promise<string> {
  const metadata = {
    name: `${account}-token`,
    annotations: { 'kubernetes.io/service-account.name': account },
  };
  await ns.create(
    Object.assign({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      type: 'kubernetes.io/service-account-token',
    }),
  );
  const token = await until(`a token of ${account}`, async () => {
    const text = await ns.kubectl('get', 'secret', metadata.name, '-o', 'jsonpath={.data.token}');
    return text === '' ? undefined : Buffer.from(text, 'base64').toString();
  });
  const own = CONFIG.parse(
    JSON.parse(await mustKubectl(['config', 'view', '--raw', '--minify', '-o', 'json'])),
  );
  const file = join(process.env.STATE ?? '', `${ns.name}.kubeconfig`);
  const users = own.users.map(({ name }) => ({ name, user: { token } }));
  await writeFile(file, JSON.stringify({ ...own, users }));
  return file;
}

test('S1 S2 a Job that hangs without Curfew: why names its sidecar, and audit counts what it holds', async (t) => {
  const ns = await Namespace.make(t, 'looking', {});
  const proxy = steps('proxy', 'say up tick exit 0', { resources: { requests: { cpu: '7m' } } });
  await ns.create(
    job('migrate', [steps('main', 'say done exit 0'), proxy], { annotations: sidecars('proxy') }),
  );
  const answer = await heldBy(ns, 'job/migrate', 'proxy');
  assert.match(
    answer.lines.join('\n'),
    /main main ended 0[^\n]*\nproxy still runs.*\nnot wrapped: namespace looking-\w+ has no label/,
  );
  const { code, stdout } = await curfew('audit', '-n', ns.name, '-o', 'json');
  assert.equal(code, 1);
  const { hanging } = REPORT.parse(JSON.parse(stdout));
  assert.deepEqual(
    hanging.map(({ sidecars: left, holds }) => [left, holds.cpu]),
    [[['proxy'], '7m']],
  );
  const everywhere = await curfew('audit', '-A');
  assert.equal(everywhere.code, 1, everywhere.stderr);
  assert.match(everywhere.stdout, new RegExp(`${ns.name}/migrate-\\w+ \\(Job migrate\\): main ended 0`));
});

test('S1 a main that waits under the shim: why names the sidecar, by exec or from the logs', async (t) => {
  const ns = await Namespace.make(t, 'waits');
  const annotations = { ...sidecars('proxy'), 'ready.curfew.dev/proxy': 'tcp://127.0.0.1:5432' };
  await ns.create(
    pod('waits', [steps('main', 'exit 0'), steps('proxy', 'say up wait exit 0')], { annotations }),
  );
  const answer = await heldBy(ns, 'pod/waits', 'proxy');
  assert.match(answer.headline, /main main waits for proxy/);
  assert.match(answer.lines.join('\n'), /not ready/);
});

test('S1 where the user may not exec, the logs tell', async (t) => {
  const ns = await Namespace.make(t, 'noexec');
  const annotations = { ...sidecars('proxy'), 'ready.curfew.dev/proxy': 'tcp://127.0.0.1:5432' };
  await ns.create(
    pod('waits', [steps('main', 'exit 0'), steps('proxy', 'say up wait exit 0')], { annotations }),
  );
  const rights = [{ apiGroups: [''], resources: ['pods', 'pods/log', 'events'], verbs: ['get', 'list'] }];
  const metadata = { name: 'looker', namespace: ns.name };
  await ns.create(
    Object.assign({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }),
    Object.assign({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules: rights }),
    Object.assign({
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'looker' },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    }),
  );
  const kubeconfig = await kubeconfigOf(ns, 'looker');
  const answer = await heldBy(ns, 'pod/waits', 'proxy', '--kubeconfig', kubeconfig);
  assert.match(
    answer.lines.join('\n'),
    /main says: waiting for sidecar proxy.*\n(?:.*\n)*from the logs, because your user may not exec/,
  );
});

test('S3 check: what is there is ok, and the dry run is wrapped', async (t) => {
  const ns = await Namespace.make(t, 'check');
  const { code, stdout, stderr } = await curfew('check', '-n', ns.name, '--no-lookup', '-o', 'json');
  const { lines } = CHECK.parse(JSON.parse(stdout));
  const levelOf = (subject: string) => lines.find((line) => line.subject === subject)?.level;
  assert.equal(code, 0, `${stdout}${stderr}`);
  for (const subject of ['API server', 'configuration', 'caBundle', 'certificate', 'namespaces', 'dry run'])
    assert.equal(levelOf(subject), 'ok', stdout);
  assert.equal(await mustKubectl(['get', 'pods', '-n', ns.name, '-o', 'name']), '');
});
