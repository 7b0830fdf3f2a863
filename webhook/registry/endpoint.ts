/** The addresses at which a registry's images are read: its mirrors in order, then the registry itself. Pure. */

import { RegistryError } from './error.ts';
import { DOCKER_HUB } from './image-reference.ts';

/** One registry of the configuration's `images.registries`. */
export interface RegistryOptions {
  /** The host as in an image reference, with its port: `docker.io`, `registry.local:5000`. */
  host: string;
  /** Addresses that are asked first, in order. Their path is put before every repository's name. */
  mirrors: readonly string[];
  /** The registry has no TLS. */
  plainHttp: boolean;
  /** A PEM file of authorities that are trusted for it besides the usual ones. */
  caFile?: string | undefined;
}

export interface Endpoint {
  /** Its name in messages: `registry ghcr.io`, `mirror cache.local`. */
  server: string;
  /** The host for which its credentials are looked up. */
  registry: string;
  base: URL;
  /** Put before the repository's name: `dockerhub/`, or empty. */
  prefix: string;
  plainHttp: boolean;
  caFile: string | undefined;
}

/** The host of Docker Hub's API. */
const HUB_API = 'registry-1.docker.io';

/**
 * The endpoints for a registry's images, in order.
 * @param registry the host as in the image reference
 * @throws {RegistryError} where it is not an address, for instance with a port above 65535
 */
export function endpointsOf(registry: string, registries: readonly RegistryOptions[]): Endpoint[] {
  const optionsOf = (host: string) => registries.find((item) => item.host === host);
  const own = optionsOf(registry);
  const mirrors = (own?.mirrors ?? []).flatMap((address): Endpoint[] => {
    const base = URL.parse(address);
    if (base === null) return [];
    const path = base.pathname.replace(/^\/+|\/+$/g, '');
    return [
      {
        server: `mirror ${base.host}`,
        registry: base.host,
        base: new URL(base.origin),
        prefix: path === '' ? '' : `${path}/`,
        plainHttp: base.protocol === 'http:',
        caFile: optionsOf(base.host)?.caFile,
      },
    ];
  });
  const plainHttp = own?.plainHttp ?? false;
  const host = registry === DOCKER_HUB ? HUB_API : registry;
  const base = URL.parse(`${plainHttp ? 'http' : 'https'}://${host}`);
  if (base === null) throw new RegistryError('image-unusable', `registry ${registry} is not an address`);
  return [
    ...mirrors,
    {
      server: `registry ${registry}`,
      registry,
      base,
      prefix: '',
      plainHttp,
      caFile: own?.caFile,
    },
  ];
}
