/** Where a registry is really asked: its mirrors first, then itself. Pure. */

import { RegistryError } from './error.ts';
import { DOCKER_HUB } from './image-reference.ts';

/** One registry of the configuration's `images.registries`. */
export interface RegistryOptions {
  /** As image references have it, with its port: `docker.io`, `registry.local:5000`. */
  host: string;
  /** Addresses that are asked first, in order; a path stands before every repository's name. */
  mirrors: readonly string[];
  /** It has no TLS. */
  plainHttp: boolean;
  /** PEM file with authorities that are trusted for it, beside the usual ones. */
  caFile?: string | undefined;
}

export interface Endpoint {
  /** For messages: `registry ghcr.io`, `mirror cache.local`. */
  who: string;
  /** The host by which its credentials are found. */
  registry: string;
  base: URL;
  /** Stands before the repository's name: `dockerhub/`, or nothing. */
  prefix: string;
  plainHttp: boolean;
  caFile: string | undefined;
}

/** Docker Hub's API has a name of its own. */
const HUB_API = 'registry-1.docker.io';

/**
 * Where to ask for an image of a registry, in order.
 * @param registry as the reference has it
 * @throws {RegistryError} where it is no address: a port above 65535, say
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
        who: `mirror ${base.host}`,
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
  if (base === null) throw new RegistryError('image-unusable', `registry ${registry} is no address`);
  return [
    ...mirrors,
    {
      who: `registry ${registry}`,
      registry,
      base,
      prefix: '',
      plainHttp,
      caFile: own?.caFile,
    },
  ];
}
