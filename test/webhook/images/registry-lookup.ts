/** A registry that counts and a look-up before it, whose clock the test has. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { ImageServiceOptions } from '../../../webhook/images/service.ts';
import { storedImage } from '../registry/content.ts';
import { type FakeRegistry, fakeRegistry } from '../registry/fake-registry.ts';
import { type Asked, configOf, imageLookup } from './asking.ts';

export const one = storedImage({ entrypoint: ['/one'] });

export interface Setting extends Asked {
  registry: FakeRegistry;
  image: string;
  /** Let this many milliseconds go by. */
  pass(ms: number): void;
  /** The users whom the registry lets in; undefined: everybody. */
  users: Set<string> | undefined;
}

/** A registry with one image (`team/app:1`, which runs `/one`), and a look-up that may ask it. */
export async function setting(
  t: TestContext,
  config: object = {},
  options: ImageServiceOptions = {},
): Promise<Setting> {
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
  const made: Setting = {
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

/** What an answer runs. */
export const entrypointOf = async (answer: ReturnType<Asked['ask']>) => configOf(await answer).entrypoint;

/** It was refused for this reason. */
export async function refused(
  answer: ReturnType<Asked['ask']>,
  reason: string,
  message = /./,
): Promise<void> {
  const got = await answer;
  assert.ok(!got.ok && got.reason === reason, JSON.stringify(got));
  assert.match(got.message, message);
}
