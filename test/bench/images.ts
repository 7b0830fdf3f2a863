/** Image look-ups: the time that a known image adds to a review, the requests that many pods make, and the memory of many images. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { IMAGES } from '../../webhook/config/images.ts';
import type { ImageAnswer } from '../../webhook/decision/images.ts';
import { prepare } from '../../webhook/decision/mutate.ts';
import { defaultPolicy } from '../../webhook/decision/policy.ts';
import { createImageService, type ImageService } from '../../webhook/images/service.ts';
import type { Bench } from './bench.ts';
import { type Measured, median, spreadOf } from './figure.ts';

const REVIEWS = 5_000;
const PODS = 1_000;
/** The last one is more than the cache holds. */
const CACHED = [1_000, 10_000, 30_000];
/** The default of `images.cache.bytes`. */
const CACHE_MB = 32;
const FAR_MS = 300;

interface Registry {
  host: string;
  requests: number;
  /** How far away it is, in ms. */
  away: number;
  close(): void;
}

/** A registry that has every image `app:TAG`, each with a command of its own, and remembers none of them. */
async function startRegistry(): Promise<Registry> {
  const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
  const configOf = (tag: string) =>
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      config: {
        Entrypoint: [`/usr/local/bin/docker-entrypoint-${tag}.sh`],
        Cmd: ['serve', '--listen=:8080', '--verbose'],
      },
    });
  const manifestOf = (tag: string) =>
    JSON.stringify({ schemaVersion: 2, config: { digest: sha256(configOf(tag)) } });
  const tags = new Map<string, string>();
  const server = createServer(async (request, response) => {
    registry.requests++;
    if (registry.away > 0) await delay(registry.away);
    const [, kind, wanted = ''] = /\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    const known = tags.get(wanted);
    const tag = known ?? wanted;
    const text = kind === 'blobs' ? configOf(tag) : manifestOf(tag);
    if (known === undefined) for (const made of [manifestOf(tag), configOf(tag)]) tags.set(sha256(made), tag);
    else tags.delete(wanted);
    response.setHeader('docker-content-digest', sha256(text));
    response.setHeader('content-length', Buffer.byteLength(text));
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const registry: Registry = {
    host: `127.0.0.1:${port}`,
    requests: 0,
    away: 0,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return registry;
}

const policy = defaultPolicy();

function podOf(image: string, command?: string[]): unknown {
  const app = {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    ...(command === undefined ? {} : { command }),
  };
  const containers = [app, { name: 'proxy', image: 'proxy:1', command: ['/proxy'] }];
  return {
    metadata: { name: 'job', annotations: { 'curfew.dev/sidecars': 'proxy' } },
    spec: { restartPolicy: 'Never', containers },
  };
}

/** A review's decision, as the reviewer makes it. */
async function decide(service: ImageService, pod: unknown): Promise<void> {
  const prepared = prepare(pod, policy);
  const images =
    prepared.pod === undefined || prepared.images.length === 0
      ? new Map<string, ImageAnswer>()
      : await service.lookUp(prepared.images, 'shop', prepared.pod, AbortSignal.timeout(60_000));
  const { outcome, message } = prepared.mutate(images);
  if (outcome !== 'wrapped') throw new Error(message);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function measure(): Promise<Measured[]> {
  const registry = await startRegistry();
  const service = createImageService(
    IMAGES.parse({ registries: [{ host: registry.host, plainHttp: true }] }),
    {
      env: {},
    },
  );
  try {
    const podWith = (tag: string) => podOf(`${registry.host}/team/app:${tag}`);
    const pod = podWith('known');
    const withCommand = podOf('app:1', ['/app', 'serve']);
    await decide(service, pod);
    const [known, plain]: [number[], number[]] = [[], []];
    for (let i = 0; i < REVIEWS; i++) {
      known.push(await timed(() => decide(service, pod)));
      plain.push(await timed(() => decide(service, withCommand)));
    }

    const before = registry.requests;
    await Promise.all(Array.from({ length: PODS }, () => decide(service, podWith('burst'))));
    const burst = registry.requests - before;

    registry.away = FAR_MS;
    const first = await timed(() => decide(service, podWith('far')));
    const next: number[] = [];
    for (let i = 0; i < 100; i++) next.push(await timed(() => decide(service, podWith('far'))));
    registry.away = 0;

    const heap = heapInUse();
    const empty = heap();
    const grown: { images: number; megabytes: number }[] = [];
    let seen = 0;
    for (const images of CACHED) {
      for (; seen < images; seen += 100)
        await Promise.all(
          Array.from({ length: 100 }, (_, index) => decide(service, podWith(`v${seen + index}`))),
        );
      grown.push({ images, megabytes: heap() - empty });
    }

    return [
      {
        name: 'known image, added to a review',
        value: median(known) - median(plain),
        unit: 'ms',
        yardstick: median(plain),
        beside: 'the same pod with its command set',
        limits: [{ of: 'value', bound: 'at most', limit: 0.2 }],
        spread: spreadOf(known),
      },
      {
        name: `requests for ${PODS} pods of one new image at once`,
        value: burst,
        unit: 'requests',
        yardstick: 3,
        beside: 'one pod: tag, manifest, configuration',
        limits: [{ of: 'ratio', bound: 'at most', limit: 1 }],
      },
      {
        name: `registry ${FAR_MS} ms away: every pod after the first`,
        value: median(next),
        unit: 'ms',
        yardstick: first,
        beside: 'the first pod',
        limits: [{ of: 'value', bound: 'at most', limit: 5 }],
        spread: spreadOf(next),
      },
      ...grown.map(
        ({ images, megabytes }): Measured => ({
          name: `heap for ${images} different images`,
          value: megabytes,
          unit: 'MB',
          yardstick: CACHE_MB,
          beside: 'images.cache.bytes',
          limits: [{ of: 'ratio', bound: 'at most', limit: 1 }],
        }),
      ),
    ];
  } finally {
    service.close();
    registry.close();
  }
}

/** Megabytes of this process's JavaScript heap, after a collection. */
function heapInUse(): () => number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return () => {
    if (typeof collect === 'function') collect();
    return process.memoryUsage().heapUsed / 1e6;
  };
}

export const images: Bench = {
  name: 'images',
  about: 'image look-ups: a known image, a burst, a registry far away, up to 30,000 images',
  measure,
};
