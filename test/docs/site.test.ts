/** The site of the documents: what `npm run docs` does with them before and after VitePress, which it needs for nothing here. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { problemsOf } from '../../docs/site/check.ts';
import { linkInSite, type Places } from '../../docs/site/links.ts';
import { frameTokens, isTabular, labelTokens, type Token } from '../../docs/site/markdown.ts';
import { linkTo, navigation } from '../../docs/site/navigation.ts';
import { titleOf } from '../../docs/site/pages.ts';
import { fileOf } from '../../docs/site/serve.ts';
import { DOCUMENTS } from './documents.ts';

const titles = new Map([...DOCUMENTS].map(([path, text]) => [path, titleOf(path, text)]));

test('every document has its place in the navigation, once', () => {
  const links = navigation(titles).flatMap(({ items }) => items.map(({ link }) => link));
  assert.deepEqual(links.toSorted(), [...DOCUMENTS.keys()].map(linkTo).sort());
});

test('a document of no group is named', () => {
  assert.throws(() => navigation(new Map([['docs/more/new.md', 'New']])), /docs\/more\/new\.md/);
});

test('a README is the index of its folder', () => {
  assert.equal(linkTo('README.md'), '/');
  assert.equal(linkTo('charts/curfew/README.md'), '/charts/curfew/');
  assert.equal(linkTo('docs/limits.md'), '/docs/limits.html');
});

test('a document without a heading is named', () => {
  assert.throws(() => titleOf('docs/x.md', 'text\n## Second\n'), /docs\/x\.md/);
  assert.equal(titleOf('docs/x.md', 'text\n# The `x`\n'), 'The x');
});

test('a link leads to a page, or to the repository', () => {
  const places: Places = {
    documents: new Set([
      'README.md',
      'docs/limits.md',
      'docs/guides/production.md',
      'charts/curfew/README.md',
    ]),
    kind: (path) => ({ 'webhook/main.ts': 'file' as const, webhook: 'folder' as const })[path],
    repository: 'https://example.org/curfew',
  };
  const cases: readonly [from: string, target: string, is: string][] = [
    ['README.md', 'docs/limits.md#native-mode', './docs/limits.md#native-mode'],
    ['docs/guides/production.md', '../../README.md', '../../index.md'],
    ['docs/limits.md', '../charts/curfew/README.md#rights', '../charts/curfew/index.md#rights'],
    ['docs/limits.md', '../charts/curfew/', '../charts/curfew/index.md'],
    ['docs/limits.md', '../webhook/main.ts#L3', 'https://example.org/curfew/blob/main/webhook/main.ts#L3'],
    ['docs/limits.md', '../webhook/', 'https://example.org/curfew/tree/main/webhook'],
    ['docs/limits.md', '#here', '#here'],
    ['docs/limits.md', 'https://kubernetes.io/', 'https://kubernetes.io/'],
    ['docs/limits.md', 'gone.md', 'gone.md'],
  ];
  for (const [from, target, is] of cases) assert.equal(linkInSite(from, target, places), is, target);
});

test('what a built page links to is there, and nothing is loaded from elsewhere', () => {
  const good = '<h2 id="a&amp;b">x</h2><a href="/curfew/docs/b.html#there">b</a><a href="#a&amp;b">a</a>';
  const outside = '<a href="https://example.org/">out</a><script src="/curfew/a.js"></script>';
  const texts = new Map([
    ['index.html', good + outside],
    ['docs/b.html', '<h2 id="there">x</h2><a href="./">none</a><a href="../index.html#gone">x</a>'],
    ['c.html', '<script src="https://example.org/x.js"></script><img alt="" src="//example.org/x.png">'],
    ['a.css', '@font-face { src: url(https://example.org/font.woff2) }'],
  ]);
  assert.deepEqual(problemsOf(texts, new Set([...texts.keys(), 'a.js']), '/curfew/'), [
    'docs/b.html: ./ leads nowhere',
    'docs/b.html: ../index.html#gone: no heading of index.html has this anchor',
    'c.html: loads https://example.org/x.js, and a page may load only what is in the site',
    'c.html: loads //example.org/x.png, and a page may load only what is in the site',
    'a.css: loads https://example.org/font.woff2, and a page may load only what is in the site',
  ]);
});

test('each cell bears the head of its column', () => {
  const token = (type: string, content = ''): Token & { label?: string } => ({
    type,
    content,
    children: null,
    attrGet: () => null,
    attrSet(_, value) {
      this.label = value;
    },
  });
  const row = [token('tr_open'), token('td_open'), token('inline', '`a`'), token('td_open'), token('inline')];
  const head = [token('th_open'), token('inline', '**key**'), token('th_open'), token('inline', '`value`')];
  const tokens = [token('thead_open'), ...head, ...row, ...row.map(({ type }) => token(type))];
  labelTokens(tokens);
  const labels = tokens.filter(({ type }) => type === 'td_open').map(({ label }) => label);
  assert.deepEqual(labels, ['key', 'value', 'key', 'value']);
});

test('an indented block of code is framed as one between fences, and one that is not is told', () => {
  const block = (type: string): Token => ({
    type,
    content: '',
    children: null,
    attrGet: () => null,
    attrSet: () => {},
  });
  const tokens = ['paragraph_open', 'code_block', 'fence', 'code_inline'].map(block);
  frameTokens(tokens);
  assert.deepEqual(
    tokens.map(({ type }) => type),
    ['paragraph_open', 'fence', 'fence', 'code_inline'],
  );
  const page = (text: string) => problemsOf(new Map([['a.html', text]]), new Set(['a.html']), '/');
  assert.deepEqual(page('<pre class="shiki vp-code" tabindex="0"><code>x</code></pre>'), []);
  assert.deepEqual(page('<pre class="shiki vp-code"></pre><pre><code>x</code></pre>'), [
    'a.html: a block of code has no frame, so a long line leaves a narrow screen',
  ]);
});

test('a page of tables gets the room of the list of headings', () => {
  const table = '| a | b |\n|---|---|\n| 1 | 2 |\n';
  assert.equal(isTabular(`# T\n\n${table}`), true);
  assert.equal(isTabular(`# T\n\n${table}\none\n\ntwo\n\nthree\n`), false);
  assert.equal(isTabular(`one\n\ntwo\n\n| a |\n|--|--|:-:|--|--|\n`), true);
});

test('only files of the site are served', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-site-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const site = join(folder, 'site');
  mkdirSync(join(site, 'docs'), { recursive: true });
  for (const path of ['secret', 'site/index.html', 'site/docs/a.html'])
    writeFileSync(join(folder, path), path);
  const served = (target: string) => fileOf(site, '/curfew/', target)?.slice(site.length);
  assert.equal(served('/curfew/'), '/index.html');
  assert.equal(served('/curfew/docs/a.html?x#y'), '/docs/a.html');
  assert.equal(served('/curfew/docs/%61.html'), '/docs/a.html');
  for (const target of ['/', '/curfew/docs', '/curfew/gone', '/curfew/../secret', '/curfew/%2e%2e%2fsecret'])
    assert.equal(served(target), undefined, target);
  for (const target of ['//', '/curfew/%', '/curfew/a%00', ''])
    assert.equal(served(target), undefined, target);
});
