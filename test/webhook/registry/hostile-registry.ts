/** A registry that misbehaves, with a look-up that may ask it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ImageFailure } from '../../../webhook/decision/images.ts';
import { configOf, imageLookup, pullSecret, secretsOf } from '../images/image-lookup.ts';
import { storedImage } from './content.ts';
import { type FakeRegistry, fakeRegistry, type Misbehave } from './fake-registry.ts';

/** The image that the registry has as `team/app:1`. */
export const good = storedImage({ entrypoint: ['/app'] });
export const MANIFEST = /\/manifests\//;
export const BLOB = /\/blobs\//;

export interface HostileRegistry {
  registry: FakeRegistry;
  refused(reason: ImageFailure, message: RegExp): Promise<void>;
  works(): Promise<void>;
}

/** Start a registry with one image, and create a look-up that may ask it. */
export async function hostileRegistry(
  t: TestContext,
  misbehave: Misbehave,
  config: object = {},
): Promise<HostileRegistry> {
  const registry = await fakeRegistry(t, { 'team/app:1': good }, misbehave);
  const secrets = secretsOf({ shop: [pullSecret('s', { [registry.host]: 'user:p4ss' })] });
  const lookup = imageLookup(
    {
      registries: [{ host: registry.host, plainHttp: true }],
      cache: { fresh: '0s', stale: '0s', failures: '0s' },
      ...config,
    },
    { secrets },
  );
  t.after(() => lookup.close());
  const ask = () => lookup.ask(`${registry.host}/team/app:1`, { secrets: ['s'] });
  return {
    registry,
    works: async () => assert.deepEqual(configOf(await ask()).entrypoint, ['/app']),
    refused: async (reason, message) => {
      const answer = await ask();
      assert.ok(!answer.ok, 'it was answered');
      assert.equal(answer.reason, reason, answer.message);
      assert.match(answer.message, message);
      assert.match(answer.message, /the annotation entrypoint\.curfew\.dev\/app/);
      assert.doesNotMatch(answer.message, /p4ss|user:/);
    },
  };
}
