/** Indexes, also nested ones: the entry for each machine, and the bound on requests. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ImageAnswer } from '../../../webhook/decision/images.ts';
import { configOf, imageLookup } from '../images/image-lookup.ts';
import {
  artifact,
  attestation,
  type StoredImage,
  saidFor,
  storedImage,
  storedIndex,
  unsaid,
} from './content.ts';
import { type FakeRegistry, fakeRegistry } from './fake-registry.ts';

const image = (entrypoint: string, architecture = 'amd64', variant?: string) =>
  storedImage({
    entrypoint: [entrypoint],
    architecture,
    ...(variant === undefined ? {} : { variant }),
  });
const amd = image('/amd');
const arm = image('/arm', 'arm64');
const other = image('/no', 's390x');

interface Setting {
  registry: FakeRegistry;
  ask(): Promise<ImageAnswer>;
}

async function setting(t: TestContext, stored: StoredImage): Promise<Setting> {
  const registry = await fakeRegistry(t, { 'team/app:1': stored });
  const lookup = imageLookup({
    registries: [{ host: registry.host, plainHttp: true }],
    cache: { fresh: '0s', stale: '0s', failures: '0s' },
  });
  t.after(() => lookup.close());
  return { registry, ask: () => lookup.ask(`${registry.host}/team/app:1`) };
}

/** The command of each machine. */
function byMachine(answer: ImageAnswer): Record<string, string> {
  const config = configOf(answer);
  const each = answer.ok ? answer.byMachine : undefined;
  if (each === undefined) return { all: config.entrypoint.join(' ') };
  return Object.fromEntries([...each].map(([machine, { entrypoint }]) => [machine, entrypoint.join(' ')]));
}

const CHOICES: [what: string, stored: StoredImage, runs: Record<string, string>][] = [
  ['an index in an index', storedIndex([storedIndex([amd, arm])]), { amd64: '/amd', arm64: '/arm' }],
  [
    'a Docker list in an OCI index, and the other way round',
    storedIndex([storedIndex([storedIndex([amd, arm])], true)]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  [
    'an index for each machine',
    storedIndex([saidFor('amd64', storedIndex([amd])), saidFor('arm64', storedIndex([arm]))]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  [
    'an index for one machine, an image for the other',
    storedIndex([arm, saidFor('amd64', storedIndex([other, amd]))]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  [
    'what says its platform goes before an index that says none',
    storedIndex([storedIndex([image('/no'), arm]), amd]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  [
    'what says its platform goes before what says none, also where that would fit better',
    storedIndex([unsaid(image('/no')), image('/386', '386'), arm]),
    { amd64: '/386', arm64: '/arm' },
  ],
  [
    'an index that says a platform and holds nothing for it: nothing else is tried',
    storedIndex([saidFor('amd64', storedIndex([other])), unsaid(image('/no')), arm]),
    { all: '/arm' },
  ],
  [
    'inside, the best is taken again',
    storedIndex([storedIndex([image('/v7', 'arm', 'v7'), image('/386', '386'), arm, amd])]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  [
    'indexes that say no platform, one after the other',
    storedIndex([storedIndex([other]), storedIndex([arm]), storedIndex([amd])]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  [
    'parts that do not say their platform: their configurations do',
    storedIndex([unsaid(other), unsaid(arm), unsaid(amd)]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  [
    'the same inside an index',
    storedIndex([storedIndex([unsaid(other), unsaid(arm), unsaid(amd)])]),
    { amd64: '/amd', arm64: '/arm' },
  ],
  ['an artifact beside an image, with no platform', storedIndex([artifact(), amd]), { all: '/amd' }],
  ['an attestation in an inner index', storedIndex([storedIndex([attestation(amd), amd])]), { all: '/amd' }],
];

for (const [what, stored, runs] of CHOICES)
  test(`an index: ${what}`, async (t) => {
    const { ask } = await setting(t, stored);
    assert.deepEqual(byMachine(await ask()), runs);
  });

const within = (depth: number) => {
  let stored = storedIndex([amd, arm]);
  for (let level = 1; level < depth; level++) stored = storedIndex([stored]);
  return stored;
};

test('nested indexes: four levels are followed', async (t) => {
  const { ask } = await setting(t, within(4));
  assert.deepEqual(byMachine(await ask()), { amd64: '/amd', arm64: '/arm' });
});

const REFUSED: [what: string, stored: StoredImage, message: RegExp, mostRequests: number][] = [
  ['five inside each other', within(5), /indexes more than 4 deep/, 6],
  ['a hundred inside each other', within(100), /indexes more than 4 deep/, 6],
  ['an index of empty indexes', storedIndex([storedIndex([])]), /built for none of linux\/amd64/, 3],
  [
    'indexes that spread out',
    [1, 2, 3].reduce(
      (stored, level) =>
        storedIndex(
          [0, 1, 2, 3].map((index) => storedIndex([stored, unsaid(image(`/${level}${index}`, 's390x'))])),
        ),
      storedIndex([other]),
    ),
    /more than 4 deep|leads to more than 16 others/,
    40,
  ],
  [
    'four indexes of four parts that say nothing',
    storedIndex(
      [0, 1, 2, 3].map((outer) =>
        storedIndex([0, 1, 2, 3].map((inner) => unsaid(image(`/${outer}${inner}`, 's390x')))),
      ),
    ),
    /leads to more than 16 others/,
    34,
  ],
  [
    'an artifact that says that it is the image',
    storedIndex([saidFor('amd64', artifact())]),
    /something else than a container image \(application\/vnd\.oci\.empty/,
    3,
  ],
];

for (const [what, stored, message, mostRequests] of REFUSED)
  test(`W6 an index: ${what}`, async (t) => {
    const { ask, registry } = await setting(t, stored);
    const answer = await ask();
    assert.ok(!answer.ok && answer.reason === 'image-unusable', JSON.stringify(answer));
    assert.match(answer.message, message);
    assert.ok(registry.seen.length <= mostRequests, `${registry.seen.length} requests`);
  });

test('W6 a wrong digest: of a nested index, and of an entry in it', async (t) => {
  const inner = storedIndex([amd]);
  const evil = image('/evil');
  for (const [digest, instead] of [
    [inner.descriptor.digest, storedIndex([evil])],
    [amd.descriptor.digest, evil],
  ] as const) {
    const stored = storedIndex([inner]);
    const { ask } = await setting(t, {
      ...stored,
      blobs: new Map([...stored.blobs, ...instead.blobs]),
      manifests: new Map([
        ...stored.manifests,
        ...instead.manifests,
        [digest, { content: instead.content, mediaType: instead.descriptor.mediaType }],
      ]),
    });
    const answer = await ask();
    assert.ok(!answer.ok && answer.reason === 'image-unusable', JSON.stringify(answer));
    assert.match(answer.message, /its digest differs/);
  }
});

test('W6 of an index of many platforms only the needed ones are fetched', async (t) => {
  const many = Array.from({ length: 500 }, (_, index) => image('/no', `a${index}`));
  const { registry, ask } = await setting(t, storedIndex([...many, amd]));
  assert.deepEqual(byMachine(await ask()), { all: '/amd' });
  assert.equal(registry.count('GET'), 3);
});

test('an entry that both machines use is fetched once', async (t) => {
  const { registry, ask } = await setting(t, storedIndex([storedIndex([unsaid(other), arm, amd])]));
  await ask();
  assert.equal(registry.count('GET', '/manifests/'), 4);
  assert.equal(registry.count('GET', '/blobs/'), 2);
});
