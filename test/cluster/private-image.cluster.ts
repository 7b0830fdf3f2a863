/** Images that only their registry knows: private ones, whose containers say no command, from a real registry to the real kubelet. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import { startDockerRegistry } from '../webhook/registry/docker-registry.ts';
import { exitCodes, Namespace } from './cluster.ts';
import { runProgram } from './kubectl.ts';
import { job, pod, sidecars } from './manifests.ts';
import { PRIVATE_REGISTRY } from './webhook.ts';

const HERE = import.meta.dirname;
const USER = 'reader';
const PASSWORD = 's3cret';

/** Image by tag: what `rig/image-tar` is told beside the program (images/steps.c). */
const IMAGES = {
  // Text that the kubelet would expand in a spec is unchanged where it comes from the image.
  'main-amd64': ['-a', 'amd64', '-e', '["/steps","say"]', '-c', '["$(HOME)","say","amd64","exit","0"]'],
  'main-arm64': ['-a', 'arm64', '-e', '["/steps"]', '-c', '["say","$(date)","say","arm64","exit","0"]'],
  proxy: ['-e', '["/steps"]', '-c', '["say","up","tick","exit","143"]', '-s', 'SIGINT'],
};
let folder = '';
let stop = async () => {};

async function must(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function startRegistry(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'curfew-private-'));
  const htpasswd = join(folder, 'htpasswd');
  const script = 'print "$ARGV[0]:", crypt($ARGV[1], "\\$2b\\$05\\$abcdefghijklmnopqrstuu"), "\\n"';
  await writeFile(htpasswd, await must('perl', '-e', script, USER, PASSWORD));
  const registry = await startDockerRegistry({
    storage: join(folder, 'storage'),
    folder: join(folder, 'registry'),
    htpasswd,
    host: PRIVATE_REGISTRY,
  });
  stop = registry.stop;
  const root = join(folder, 'root');
  await mkdir(root);
  await must('gcc', '-static', '-Os', '-s', '-o', join(root, 'steps'), join(HERE, 'images', 'steps.c'));
  for (const [tag, options] of Object.entries(IMAGES)) {
    const tar = join(folder, `${tag}.tar`);
    await must(join(HERE, 'rig', 'image-tar'), '-o', tar, '-t', `steps:${tag}`, '-r', root, ...options);
    const target = `docker://${PRIVATE_REGISTRY}/team/steps:${tag}`;
    const flags = [
      '--insecure-policy',
      'copy',
      '--quiet',
      '--dest-tls-verify=false',
      `--dest-creds=${USER}:${PASSWORD}`,
    ];
    await must('skopeo', ...flags, `docker-archive:${tar}`, target);
  }
  await pushIndex('main', ['amd64', 'arm64']);
}

/** Put an index of the images `TAG-ARCHITECTURE` into the registry, as TAG. */
async function pushIndex(tag: string, architectures: string[]): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  const manifests = `http://${PRIVATE_REGISTRY}/v2/team/steps/manifests`;
  const parts = architectures.map(async (architecture) => {
    const accept = 'application/vnd.docker.distribution.manifest.v2+json';
    const response = await fetch(`${manifests}/${tag}-${architecture}`, {
      headers: { authorization, accept },
    });
    assert.equal(response.status, 200);
    const size = Buffer.byteLength(await response.text());
    const digest = response.headers.get('docker-content-digest');
    return { mediaType: accept, digest, size, platform: { os: 'linux', architecture } };
  });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const pushed = await fetch(`${manifests}/${tag}`, {
    method: 'PUT',
    headers: { authorization, 'content-type': mediaType },
    body: JSON.stringify({ schemaVersion: 2, mediaType, manifests: await Promise.all(parts) }),
  });
  assert.equal(pushed.status, 201, await pushed.text());
}

async function stopRegistry(): Promise<void> {
  await stop();
  await rm(folder, { recursive: true });
}

const container = (name: string): V1Container => ({
  name,
  image: `${PRIVATE_REGISTRY}/team/steps:${name}`,
  imagePullPolicy: 'IfNotPresent',
});
const containers = [container('main'), container('proxy')];

/** A pull secret. */
const secret = (name: string, password: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  type: 'kubernetes.io/dockerconfigjson',
  stringData: {
    '.dockerconfigjson': JSON.stringify({ auths: { [PRIVATE_REGISTRY]: { username: USER, password } } }),
  },
});

// In a suite: where a run chooses none of the tests, a file's own hooks run all the same, and what they start stays.
describe('private images', () => {
  before(startRegistry);
  after(stopRegistry);

  test('W5 P7 a Job of private images for two machines that says no command completes, with two secrets of which one works', async (t) => {
    const ns = await Namespace.make(t, 'private');
    await ns.create(secret('expired', 'wrong'), secret('good', PASSWORD));
    const imagePullSecrets = [{ name: 'expired' }, { name: 'good' }];
    await ns.create(
      job('migrate', containers, { annotations: sidecars('proxy'), spec: { imagePullSecrets } }),
    );
    const name = await ns.podOf('migrate');
    await ns.waitForJob('migrate');
    assert.deepEqual(exitCodes(await ns.pod(name)), { main: 0, proxy: 0 });
    assert.deepEqual(
      (await ns.lines(name, 'main')).map(({ text }) => text),
      [process.arch === 'arm64' ? '$(date)' : '$(HOME)', process.arch === 'arm64' ? 'arm64' : 'amd64'],
    );
    assert.equal((await ns.lines(name, 'proxy')).at(-1)?.text, 'got INT');
  });

  test('W6 W9 without a secret that fits the pod is refused, and told what to do', async (t) => {
    const ns = await Namespace.make(t, 'private-refused');
    await ns.create(secret('expired', 'wr0ng'));
    const spec = { imagePullSecrets: [{ name: 'expired' }] };
    const refused = await ns.tryCreate(pod('migrate', containers, { annotations: sidecars('proxy'), spec }));
    assert.notEqual(refused.code, 0);
    assert.match(
      refused.stderr,
      /refused secret private-refused-\w+\/expired, anonymous.*imagePullSecret.*entrypoint\.curfew\.dev\/main/,
    );
    assert.doesNotMatch(refused.stderr, /wr0ng/);
  });
});
