/** What a namespace sets for its own pods, with the rights that the chart gives. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { exitCodes, type Namespace } from '../cluster.ts';
import { mustKubectl, until } from '../kubectl.ts';
import { steps } from '../manifests.ts';
import { INJECTED, restrictedJob, restrictedNamespace, restrictedPod } from './confined.ts';
import { Release } from './release.ts';

after(() => Release.removeAll());

/** A sidecar that only the namespace's settings know. */
const CONTAINERS = [steps('main', 'say working exit 0'), steps('proxy', 'say up tick exit 143')];
/** What the webhook makes of a pod: its commands. */
const dryRun = (ns: Namespace) =>
  ns.tryCreate(
    restrictedPod('dry', CONTAINERS),
    ...['--dry-run=server', '-o', 'jsonpath={.spec.containers[*].command}'],
  );

async function set(ns: Namespace, text: string): Promise<void> {
  const metadata = { name: 'curfew-settings', namespace: ns.name };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'settings.yaml': text } };
  await mustKubectl(['apply', '-f', '-'], JSON.stringify(map));
}

const SIDECAR = 'catalogue: { extra: [{ names: [proxy], images: [steps] }] }';

test('V5 a namespace says which containers are sidecars, and is told what is wrong', async (t) => {
  await Release.install('--set', 'config.namespaceSettings.enabled=true');
  const ns = await restrictedNamespace(t, 'settings', INJECTED);
  await set(ns, `${SIDECAR}\nstartTimeout: 3m\n`);
  // Each replica hears of it a moment later.
  await until('a dry run that is wrapped by both replicas', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => dryRun(ns)));
    return answers.every(({ stdout }) => stdout.includes('--start-timeout=3m')) ? true : undefined;
  });
  await ns.create(restrictedJob('migrate', CONTAINERS));
  await ns.waitForJob('migrate');
  assert.deepEqual(exitCodes(await ns.pod(await ns.podOf('migrate'))), { main: 0, proxy: 0 });

  await set(ns, 'startTimeout: soon\n');
  const refusal = await until('a refusal', async () => {
    const { code, stderr } = await dryRun(ns);
    return code === 0 ? undefined : stderr;
  });
  assert.match(
    refusal,
    /ConfigMap curfew-settings of namespace settings-\w+: settings\.yaml: startTimeout is "soon", .*mend it or delete it/,
  );
  const described = await until('an event', async () => {
    const text = await ns.kubectl('describe', 'configmap', 'curfew-settings');
    return text.includes('CurfewSettingsWrong') ? text : undefined;
  });
  assert.match(described, /Pods of this namespace are refused until this is mended/);
});
