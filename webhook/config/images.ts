/** The configuration's section `images`: whether and how the commands of images are looked up. */
import { z } from 'zod';
import { MACHINES } from '../../shim/machine-words.ts';
import { parseSignal } from '../../shim/signals.ts';
import { duration, image, meta, names, text } from './fields.ts';

/** Clouds whose registries accept the webhook's own identity. */
const CLOUDS = ['google', 'azure', 'aws'] as const;
export type Cloud = (typeof CLOUDS)[number];

const HOST = /^[A-Za-z0-9.[\]:_-]{1,255}$/;
const OBJECT = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\/[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?$/;

const host = (help: string) =>
  z
    .string()
    .regex(HOST)
    .meta(
      meta(
        help,
        'a host as image references have it, with its port, such as docker.io or registry.local:5000',
      ),
    );

const registry = z
  .strictObject({
    host: host('the registry'),
    mirrors: z
      .array(
        z
          .string()
          .max(1024)
          .refine(isAddress)
          .meta(meta('', 'an address such as https://cache.local/dockerhub')),
      )
      .max(8)
      .default([])
      .meta(
        meta(
          'addresses that are asked first, in order; their path is put before every image name',
          'a list such as [https://cache.local/dockerhub]',
        ),
      ),
    plainHttp: z.boolean().default(false).meta(meta('the registry has no TLS', 'true or false')),
    caFile: text(
      'PEM file of authorities that are trusted for it besides the usual ones',
      'a file',
    ).exactOptional(),
  })
  .meta(meta('a registry', 'a map with host'));

const entrypoint = z
  .strictObject({
    image: image('the image; without a tag or digest, all its tags'),
    entrypoint: names('its ENTRYPOINT', 'a list such as [/usr/bin/app]').exactOptional(),
    cmd: names('its CMD', 'a list of arguments').exactOptional(),
    stopSignal: z
      .string()
      .refine((value) => parseSignal(value) !== undefined)
      .exactOptional()
      .meta(meta('its STOPSIGNAL', 'a signal such as INT')),
  })
  .refine(({ entrypoint, cmd }) => entrypoint !== undefined || cmd !== undefined, {
    path: ['entrypoint'],
    message: 'a list such as [/usr/bin/app], where the item has no cmd either',
  })
  .meta({
    ...meta('an image', 'a map with image, and entrypoint or cmd or both'),
    anyOf: [{ required: ['entrypoint'] }, { required: ['cmd'] }],
  });

/** Images whose commands are known. @param most how many */
export const entrypoints = (most: number) =>
  z
    .array(entrypoint)
    .max(most)
    .default([])
    .meta(meta('the commands of images that are not looked up', `a list of at most ${most} images`));

const CACHE = z
  .strictObject({
    fresh: duration('how long a tag, and who may read it, is cached', '0s', '1h').prefault('1m'),
    stale: duration(
      'how long after that it is still used, while it is looked up again',
      '0s',
      '24h',
    ).prefault('10m'),
    failures: duration('how long a failed look-up is not repeated', '0s', '10m').prefault('10s'),
    entries: z
      .int()
      .min(16)
      .max(1_000_000)
      .default(20_000)
      .meta(meta('how many images are cached at most', 'a whole number from 16 to 1000000')),
    bytes: z
      .int()
      .min(64 * 1024)
      .max(1024 * 1024 * 1024)
      .default(32 * 1024 * 1024)
      .meta(
        meta('how much memory the cached images take at most', 'a number of bytes from 65536 to 1073741824'),
      ),
  })
  .prefault({});

export const IMAGES = z
  .strictObject({
    mode: z
      .enum(['registry', 'off'])
      .default('registry')
      .meta(
        meta(
          'whether the command of a container that sets none is looked up in its registry; off needs no network and no secret',
          'registry or off',
        ),
      ),
    entrypoints: entrypoints(10_000),
    hosts: z
      .array(
        z
          .string()
          .regex(/^[A-Za-z0-9.*?[\]:_-]{1,255}$/)
          .meta(meta('', 'a host such as docker.io or "*.corp.example"')),
      )
      .max(1000)
      .default([])
      .meta(
        meta(
          'the only registries that are asked; empty: any',
          'a list of hosts such as [docker.io, "*.corp.example"]',
        ),
      ),
    registries: z
      .array(registry)
      .max(1000)
      .default([])
      .meta(meta('how registries are reached', 'a list of registries')),
    pullSecrets: z
      .boolean()
      .default(true)
      .meta(
        meta("whether a pod's and its service account's imagePullSecrets are read and used", 'true or false'),
      ),
    defaultPullSecret: z
      .string()
      .regex(OBJECT)
      .exactOptional()
      .meta(meta('a pull secret for every pod, used after its own', 'NAMESPACE/NAME')),
    dockerConfig: text(
      'docker configuration whose auths, credHelpers and credsStore are used after the pull secrets',
      'a file such as /etc/curfew/docker/config.json',
    ).exactOptional(),
    cloud: z
      .array(z.enum(CLOUDS).meta(meta('', CLOUDS.join(', '))))
      .default([])
      .meta(
        meta(
          "clouds whose registries are asked with the webhook's own identity",
          `a list of ${CLOUDS.join(', ')}`,
        ),
      ),
    machines: z
      .array(z.enum(MACHINES).meta(meta('', MACHINES.join(', '))))
      .min(1)
      .default([...MACHINES])
      .meta(meta("the architectures of the cluster's nodes", `a list of ${MACHINES.join(', ')}`)),
    timeout: duration(
      'the timeout of a look-up; keep it below timeoutSeconds of the webhook configuration',
      '100ms',
      '29s',
    ).prefault('8s'),
    cache: CACHE,
  })
  .prefault({});

/** The section, complete and checked. */
export type ImagesConfig = z.output<typeof IMAGES>;

function isAddress(value: string): boolean {
  const url = URL.parse(value);
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === ''
  );
}
