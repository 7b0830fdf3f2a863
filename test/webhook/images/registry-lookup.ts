/** A registry that counts its requests, and a look-up that asks it, with a clock of the test's own. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ImageServiceOptions } from '../../../webhook/images/service.ts';
import { storedImage } from '../registry/content.ts';
import { type FakeRegistry, fakeRegistry } from '../registry/fake-registry.ts';
import { type Asked, configOf, imageLookup } from './image-lookup.ts';

export const one = storedImage({ entrypoint: ['/one'] });

export interface RegistryLookup extends Asked {
  registry: FakeRegistry;
  image: string;
  /** Advance the clock by milliseconds. */
  pass(ms: number): void;
  /** The users that the registry accepts; undefined: everybody. */
  users: Set<string> | undefined;
}

/** A registry with one image (`team/app:1`, which runs `/one`), and a look-up that may ask it. */
export async function lookupWithRegistry(
  t: TestContext,
  config: object = {},
  options: ImageServiceOptions = {},
): Promise<RegistryLookup> {
  let time = 0;
  const registry = await fakeRegistry(t, { 'team/app:1': one }, (request, response) => {
    const given = Buffer.from(
      (request.headers.authorization ?? '').slice('Basic '.length),
      'base64',
    ).toString();
    if (made.users === undefined || made.users.has(given.split(':')[0] ?? '')) return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    return true;
  });
  const lookup = imageLookup(
    { registries: [{ host: registry.host, plainHttp: true }], ...config },
    { now: () => time, ...options },
  );
  t.after(() => lookup.close());
  const made: RegistryLookup = {
    ...lookup,
    registry,
    image: `${registry.host}/team/app:1`,
    pass: (ms) => {
      time += ms;
    },
    users: undefined,
  };
  return made;
}

/** The ENTRYPOINT in an answer. */
export const entrypointOf = async (answer: ReturnType<Asked['ask']>) => configOf(await answer).entrypoint;

/** Assert that it was refused for this reason. */
export async function refused(
  answer: ReturnType<Asked['ask']>,
  reason: string,
  message = /./,
): Promise<void> {
  const got = await answer;
  assert.ok(!got.ok && got.reason === reason, JSON.stringify(got));
  assert.match(got.message, message);
}
