/** Image look-ups in the webhook's answers, over real TLS and HTTP. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { IMAGES } from '../../../webhook/config/images.ts';
import type { Mutation } from '../../../webhook/decision/mutate.ts';
import { createImageService } from '../../../webhook/images/service.ts';
import { applied, jobPod, named } from '../decision/mutated-pod.ts';
import { storedImage } from '../registry/content.ts';
import { fakeRegistry, type Misbehave } from '../registry/fake-registry.ts';
import { review } from '../server/review-examples.ts';
import { serveWebhook } from '../server/served-webhook.ts';
import { pullSecret, secretsOf } from './image-lookup.ts';

async function served(t: TestContext, misbehave?: Misbehave, config: object = {}) {
  const image = storedImage({
    entrypoint: ['/entry', '$(HOME)'],
    cmd: ['/bin/sh', '-c', 'date $(date)'],
    stopSignal: 'SIGINT',
  });
  const registry = await fakeRegistry(t, { 'team/app:1': image, 'team/none:1': storedImage() }, misbehave);
  const secrets = secretsOf({ shop: [pullSecret('s', { [registry.host]: 'reader:hunter2' })] });
  const images = createImageService(
    IMAGES.parse({ registries: [{ host: registry.host, plainHttp: true }], ...config }),
    { env: {}, secrets },
  );
  t.after(() => images.close());
  const webhook = await serveWebhook(t, { images });
  const pod = (name: string, more: object = {}) =>
    jobPod(
      { 'curfew.dev/sidecars': 'proxy' },
      [
        { name: 'app', image: `${registry.host}/team/${name}:1`, ...more },
        { name: 'proxy', image: 'x', command: ['/proxy'] },
      ],
      { imagePullSecrets: [{ name: 's' }] },
    );
  const ask = async (asked: ReturnType<typeof jobPod>, path?: string) => {
    const answer = await webhook.post(JSON.stringify(review(asked)), path === undefined ? {} : { path });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const { response } = JSON.parse(JSON.stringify(answer.body));
    const operations = JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString());
    return { response, text: JSON.stringify(response), after: applied(asked, mutationOf(operations)) };
  };
  return { registry, webhook, pod, ask };
}

const wanting: Misbehave = (request, response) => {
  if (request.headers.authorization === `Basic ${Buffer.from('reader:hunter2').toString('base64')}`)
    return false;
  response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  return true;
};

test('W5, P7 a private image: its ENTRYPOINT and CMD are run unchanged, and its STOPSIGNAL is used', async (t) => {
  const { pod, ask, webhook } = await served(t, wanting);
  const { after, text } = await ask(pod('app'));
  const app = named(after, 'app');
  assert.deepEqual(app.args, ['/entry', '$$(HOME)', '/bin/sh', '-c', 'date $$(date)']);
  assert.ok(app.command?.includes('--stop-signal=INT'));
  const withArgs = named((await ask(pod('app', { args: ['$(MINE)'] }))).after, 'app');
  assert.deepEqual(withArgs.args, ['/entry', '$$(HOME)', '$(MINE)']);
  // W9: in no answer, no log line.
  assert.doesNotMatch(`${text}${JSON.stringify(webhook.log())}`, /hunter2|aHVudGVy|cmVhZGVy/);
});

test('W6 an image without a command, and one that does not exist: refused with a reason and with what to do', async (t) => {
  const { pod, ask, webhook } = await served(t);
  for (const [name, reason] of [
    ['none', 'no-command'],
    ['gone', 'image-not-found'],
  ] as const) {
    const { response } = await ask(pod(name));
    assert.equal(response.allowed, false);
    assert.match(response.status.message, /entrypoint\.curfew\.dev\/app: '\["\/program"\]'/);
    assert.equal(webhook.log().at(-1)?.reason, reason);
  }
});

test('W6 a registry that hangs: an answer within the API server’s timeout, and other pods are served meanwhile', async (t) => {
  const { pod, ask } = await served(t, () => true);
  const slow = ask(pod('app'), '/mutate?timeout=1s');
  const quick = await ask(pod('app', { command: ['/app'] }));
  assert.equal(quick.response.allowed, true);
  const { response } = await slow;
  assert.equal(response.allowed, false);
  assert.match(response.status.message, /did not answer in time/);
});

function mutationOf(operations: Mutation['operations']): Mutation {
  return { outcome: 'wrapped', reason: 'wrapped', message: '', operations, warnings: [], containers: [] };
}
