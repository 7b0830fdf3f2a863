/** The configuration's section `catalogue`: which containers are known sidecars. */
import { z } from 'zod';
import { parseReadiness } from '../../shim/protocol.ts';
import { parseSignal } from '../../shim/signals.ts';
import { CATALOGUE } from '../decision/catalogue.ts';
import { meta, names } from './fields.ts';
import { imagePatterns, namePatterns } from './patterns.ts';

const knownSidecar = z
  .strictObject({
    names: namePatterns(
      'container names',
      'a list of container names, * for any characters, such as [csql-*]',
    ),
    images: imagePatterns(
      'ends of image repositories, cut at a /',
      'a list such as [istio/proxyv2], * for any characters but /',
    ),
    order: z
      .int()
      .min(0)
      .max(1000)
      .exactOptional()
      .meta(meta('the start order; lower starts first', 'a whole number from 0 to 1000')),
    ready: z
      .string()
      .refine((value) => parseReadiness(value) !== undefined)
      .exactOptional()
      .meta(
        meta(
          'readiness, where it has no probe of its own; none: mains never wait for it',
          'http://:15021/healthz/ready, tcp://:5432, "exec: pg_isready" or none',
          '^(none|exec:|(http|tcp)://[^/]*:[0-9])',
        ),
      ),
    ignoreProbes: z
      .boolean()
      .exactOptional()
      .meta(
        meta('its own probes do not count, because they hold only when the app answers', 'true or false'),
      ),
    stopSignal: z
      .string()
      .refine((value) => parseSignal(value) !== undefined)
      .exactOptional()
      .meta(meta("the image's STOPSIGNAL", 'a signal such as INT', '^[A-Za-z0-9+-]{1,16}$')),
    entrypoint: names("the image's ENTRYPOINT", 'a list such as [/usr/bin/proxy]').exactOptional(),
    cmd: names("the image's CMD", 'a list of arguments').exactOptional(),
  })
  .meta(meta('a sidecar', 'a map with names and images'));

/** More known sidecars. @param most how many */
export const extraSidecars = (most: number) =>
  z
    .array(knownSidecar)
    .max(most)
    .default([])
    .meta(
      meta(
        'more known sidecars; they take precedence over the built-in ones',
        `a list of at most ${most} sidecars`,
      ),
    );

const BUILT_IN_NAMES = new Set(CATALOGUE.flatMap((known) => known.names));

export const CATALOGUE_KEYS = z
  .strictObject({
    extra: extraSidecars(1000),
    disabled: z
      .array(
        z
          .string()
          .refine((name) => BUILT_IN_NAMES.has(name))
          .meta(
            meta(
              '',
              'the name of a built-in sidecar',
              `^(${[...BUILT_IN_NAMES].join('|').replaceAll('*', '\\*')})$`,
            ),
          ),
      )
      .default([])
      .meta(meta('built-in sidecars that are not used, by container name', 'a list of names')),
  })
  .prefault({});
