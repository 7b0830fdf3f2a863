/** The timeline of the demo: from what was seen to the picture in README.md and the page of `npm run demo -- --html`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { timelinePictures } from '../../docs/timeline.ts';
import { parseOptions } from '../../examples/database-migration/demo-options.ts';
import { endOfWork, lanesOf } from '../../examples/database-migration/lanes.ts';
import { formatNativeLine } from '../../examples/database-migration/native-line.ts';
import {
  type Deed,
  parseRun,
  type Recording,
  type Run,
  type TimelineEvent,
} from '../../examples/database-migration/recording.ts';
import { timelinePage } from '../../examples/database-migration/timeline-page.ts';
import { escapeXml, NARROW, timelineSvg, WIDE } from '../../examples/database-migration/timeline-svg.ts';
import { ROOT } from './documents.ts';

const event = (
  at: number,
  container: string,
  deed: Deed,
  more: Partial<TimelineEvent> = {},
): TimelineEvent => ({
  at,
  container,
  deed,
  text: deed,
  ...more,
});

/** A pod whose main works from 100 to 300 ms, beside a sidecar that is ready at 90 and ends as it is said. */
function recording(end: readonly TimelineEvent[], title = 'A title'): Recording {
  return {
    title,
    verdict: 'a verdict',
    outcome: 'an outcome',
    complete: true,
    containers: [
      { name: 'work', role: 'main' },
      { name: 'proxy', role: 'sidecar' },
    ],
    events: [
      event(0, 'work', 'started'),
      event(5, 'proxy', 'started'),
      event(10, 'work', 'waiting'),
      event(15, 'proxy', 'starting'),
      event(20, 'proxy', 'said', { text: 'listening' }),
      event(90, 'proxy', 'ready'),
      event(100, 'work', 'running'),
      event(300, 'work', 'ended', { code: 0 }),
      ...end,
    ],
  };
}

const good = recording([event(310, 'proxy', 'ended', { code: 0 })]);
const bad = recording([event(4300, 'proxy', 'unending'), event(4301, 'proxy', 'cut')]);

test('a container waits until its shim says that its work begins', () => {
  const [work, proxy] = lanesOf(good);
  const spans = (lane: typeof work) => lane?.spans.map(({ kind, from, to }) => [kind, from, to]);
  assert.deepEqual(spans(work), [
    ['waits', 0, 100],
    ['runs', 100, 300],
  ]);
  assert.deepEqual(spans(proxy), [
    ['waits', 5, 90],
    ['runs', 90, 310],
  ]);
  assert.deepEqual(proxy?.ended, { at: 310, code: 0 });
  assert.deepEqual(
    proxy?.said.map(({ text }) => text),
    ['listening'],
  );
});

test('a sidecar that goes on after the work lingers, from the end of the work', () => {
  assert.equal(endOfWork(bad), 300);
  const [, proxy] = lanesOf(bad);
  assert.deepEqual(
    proxy?.spans.map(({ kind, from, to }) => [kind, from, to]),
    [
      ['waits', 5, 90],
      ['runs', 90, 300],
      ['lingers', 300, undefined],
    ],
  );
  assert.equal(proxy?.ended, undefined);
});

test('a sidecar that ends late has lingered until then', () => {
  const [, proxy] = lanesOf(recording([event(4000, 'proxy', 'ended', { code: 0 })]));
  const { kind, from, to, label } = proxy?.spans.at(-1) ?? {};
  assert.deepEqual([kind, from, to, label], ['lingers', 300, 4000, 'runs on']);
});

test('work that does not end has no end, and its sidecar does not linger', () => {
  const events = bad.events.filter(({ deed }) => deed !== 'ended');
  const hanging = { ...bad, events };
  assert.equal(endOfWork(hanging), undefined);
  assert.deepEqual(
    lanesOf(hanging).map(({ spans }) => spans.at(-1)?.kind),
    ['runs', 'runs'],
  );
  assert.doesNotMatch(timelineSvg({ withCurfew: hanging, without: hanging }), /class="done"|Infinity|NaN/);
});

const run: Run = { withCurfew: good, without: bad };

test('the picture is as wide as it is asked to be, and nothing in it lies beyond', () => {
  for (const width of [WIDE, NARROW]) {
    const svg = timelineSvg(run, width);
    const [, height] = new RegExp(`viewBox="0 0 ${width} ([\\d.]+)"`).exec(svg) ?? [];
    const numbers = (attribute: string) =>
      [...svg.matchAll(new RegExp(` ${attribute}="([\\d.-]+)"`, 'g'))].map(([, number]) => Number(number));
    for (const x of [...numbers('x'), ...numbers('cx')])
      assert.ok(x >= 0 && x <= width, `x ${x} of ${width}`);
    for (const y of [...numbers('y'), ...numbers('cy')]) assert.ok(y >= 0 && y <= Number(height), `y ${y}`);
    for (const [, x = '', bar = ''] of svg.matchAll(
      /<rect class="(?:main|sidecar)[^"]*" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g,
    ))
      assert.ok(Number(x) + Number(bar) <= width);
    assert.match(svg, /class="lingers"/);
  }
});

/** What a log can hold: markup, both quotes, and what XML has no character for. */
const EVIL = `</style><script>alert("1")</script>&'\u0000\u001b[31m\ud800`;

test('text of a log is text in the picture and in the page', () => {
  const evil = recording([event(305, 'proxy', 'said', { text: EVIL })], EVIL);
  const svg = timelineSvg({ withCurfew: evil, without: evil });
  const page = timelinePage({ withCurfew: evil, without: evil }, EVIL);
  for (const text of [svg, page]) {
    for (const raw of ['<script', '\u0000', '\u001b']) assert.ok(!text.includes(raw), JSON.stringify(raw));
    assert.ok(text.isWellFormed());
    assert.match(text, /&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;/);
  }
  assert.equal(escapeXml('a\ud83c\udf19\n'), 'a\ud83c\udf19\n');
});

test('the page holds all that was seen, and needs nothing else', () => {
  const page = timelinePage(run, 'Native mode: a line');
  for (const { text } of [...good.events, ...bad.events]) assert.ok(page.includes(text));
  assert.match(page, /Native mode: a line/);
  assert.match(page, /prefers-color-scheme:dark/);
  const addresses = [...page.matchAll(/(?:src|href|url\()[="' ]*([^"' )]+)/g)].map(([, address]) => address);
  assert.deepEqual(addresses, []);
});

test('the pictures are made of docs/timeline.json: npm run generate writes them', () => {
  for (const [path, svg] of timelinePictures())
    assert.ok(
      readFileSync(join(ROOT, 'docs', path), 'utf8') === svg,
      `docs/${path} is not current: run npm run generate`,
    );
});

test('the recording shows each step of the shims, and both ends', () => {
  const { withCurfew, without } = parseRun(
    readFileSync(join(ROOT, 'docs/timeline.json'), 'utf8'),
    'docs/timeline.json',
  );
  const deeds = new Set(withCurfew.events.map(({ deed }) => deed));
  for (const deed of ['waiting', 'starting', 'ready', 'running', 'told'] as const)
    assert.ok(deeds.has(deed), deed);
  assert.deepEqual([withCurfew.complete, without.complete], [true, false]);
});

test('what is no recording is refused, with the place', () => {
  const wrong = { ...run, without: { ...bad, events: [event(-1, 'work', 'started')] } };
  assert.throws(
    () => parseRun(JSON.stringify(wrong), 'x.json'),
    /x\.json is no recording.*without\.events\[0\]\.at/s,
  );
});

test('the command line of the demo', () => {
  assert.deepEqual(parseOptions([]), { help: false, html: undefined, record: undefined });
  assert.equal(parseOptions(['--html']).html, 'dist/demo.html');
  assert.equal(parseOptions(['--html', 'x.html']).html, 'x.html');
  assert.equal(parseOptions(['--record', 'x.json']).record, 'x.json');
  assert.throws(() => parseOptions(['--htm']), /--htm/);
  assert.throws(() => parseOptions(['x.html']), /x\.html/);
  assert.throws(() => parseOptions(['--html', 'x.html', 'y.html']), /y\.html/);
});

test('the line on native mode says what was decided', () => {
  const containers = [
    { name: 'migrate', role: 'main' as const },
    { name: 'cloud-sql-proxy', role: 'sidecar' as const },
  ];
  const native = { mode: 'native' as const, operations: 4, containers };
  const line = formatNativeLine(native, { ...native, mode: 'shim' });
  assert.match(
    line,
    /^Native mode: .*cloud-sql-proxy as a native sidecar.*4 operations.*=auto keeps the shim/,
  );
  assert.doesNotMatch(line, /\n/);
  assert.match(formatNativeLine(native, native), /=auto does the same/);
});
