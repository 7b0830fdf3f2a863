/** The log line of a review: what somebody who runs the webhook reads of a pod that was refused or passed over. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ImageLookup } from '../../../webhook/decision/images.ts';
import { requestError } from '../../../webhook/registry/error.ts';
import { review } from './review-examples.ts';
import { at, serveWebhook } from './served-webhook.ts';

const OWNER = { apiVersion: 'batch/v1', kind: 'Job', name: 'orders', uid: 'u-1', controller: true };

function podOf(annotations: Record<string, string>, containers: object[]): Record<string, unknown> {
  const metadata = { generateName: 'orders-', annotations, ownerReferences: [OWNER] };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { restartPolicy: 'Never', containers } };
}

const app = { name: 'app', image: 'registry.corp.example/app:1' };
const proxy = {
  name: 'cloud-sql-proxy',
  image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2',
  command: ['/p'],
};
const { message: refuses } = requestError('registry registry.corp.example', { code: 'ECONNREFUSED' });
/** A registry that is down. */
const down: ImageLookup = {
  lookUp: async (requests) =>
    new Map(
      requests.map(({ container }) => {
        const message = `container ${container} sets no command, and its image: ${refuses}: set its command`;
        return [container, { ok: false, reason: 'image-unreachable', message }];
      }),
    ),
};

describe('O3 the log line of a review', () => {
  test('that is a refusal is a warning with the message, the warnings and the controller', async (t) => {
    const served = await serveWebhook(t, { images: down });
    const answer = await served.post(
      JSON.stringify(review(podOf({ 'curfew.dev/sidecars': proxy.name }, [app, proxy]))),
    );
    const line = served.log().find(({ msg }) => msg === 'review');
    assert.equal(line?.message, at(answer.body, 'response', 'status', 'message'));
    assert.match(String(line?.message), /^Container app .* registry registry\.corp\.example /);
    const { level, outcome, reason, owner, namespace } = line ?? {};
    assert.deepEqual(
      { level, outcome, reason, owner, namespace },
      {
        level: 'warn',
        outcome: 'refused',
        reason: 'image-unreachable',
        owner: 'Job/orders',
        namespace: 'shop',
      },
    );
  });

  test('that passes over a known sidecar is one too', async (t) => {
    const served = await serveWebhook(t, { images: down });
    const answer = await served.post(JSON.stringify(review(podOf({}, [app, proxy]))));
    const line = served.log().find(({ msg }) => msg === 'review');
    assert.deepEqual(
      [line?.level, line?.outcome, line?.warnings, line?.owner],
      ['warn', 'unchanged', at(answer.body, 'response', 'warnings'), 'Job/orders'],
    );
    assert.match(String(line?.message), /registry\.corp\.example/);
  });

  test('of a pod that nobody misses stays at info, without a message', async (t) => {
    const served = await serveWebhook(t);
    await served.post(JSON.stringify(review(podOf({}, [app]))));
    const line = served.log().find(({ msg }) => msg === 'review');
    assert.deepEqual([line?.level, line?.message, line?.owner], ['info', undefined, undefined]);
  });

  test('W9 has no value of an annotation, which may be a command with a password', async (t) => {
    const served = await serveWebhook(t);
    for (const [key, value] of [
      ['entrypoint.curfew.dev/app', '["/app","--password=hunter2"'],
      ['ready.curfew.dev/app', 'exce: PGPASSWORD="hunter2" pg_isready'],
      ['curfew.dev/sidecars', 'app, hunter2\\"'],
    ] as const) {
      const answer = await served.post(JSON.stringify(review(podOf({ [key]: value }, [app, proxy]))));
      assert.match(String(at(answer.body, 'response', 'status', 'message')), /hunter2/);
      const line = served.log().findLast(({ msg }) => msg === 'review');
      assert.equal(line?.reason, 'bad-annotation');
      assert.match(
        String(line?.message),
        new RegExp(`^Annotation ${key.replace('.', '\\.')} is "\\.\\.\\."`),
      );
    }
    assert.doesNotMatch(JSON.stringify(served.log()), /hunter2/);
  });
});

test('O3 an error of a registry says whose setting its way out is', () => {
  for (const [code, key] of [
    ['EPROTO', 'plainHttp'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'plainHttp'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'caFile'],
  ] as const) {
    const { message } = requestError('registry r.example', Object.assign(new Error(), { code }));
    const where = `in the webhook's configuration, images.registries[].${key} (in the chart's values config.images.registries)`;
    assert.ok(message.endsWith(where), message);
  }
});
