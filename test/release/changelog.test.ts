/** CHANGELOG.md is read as "Keep a Changelog" has it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChangelog } from '../../charts/changelog.ts';
import { chartMetadata } from '../../charts/chart-metadata.ts';

const TEXT = `# Changelog

## [Unreleased]

## [1.2.3] - 2026-01-31

Words.

### Added

- One thing,
  on two lines.
- \`another\` [thing](docs/x.md)

### Security

- A hole.
`;

test('sections, kinds and changes', () => {
  assert.deepEqual(parseChangelog(TEXT), [
    { version: 'Unreleased', changes: [] },
    {
      version: '1.2.3',
      date: '2026-01-31',
      changes: [
        { kind: 'Added', text: 'One thing, on two lines.' },
        { kind: 'Added', text: '`another` [thing](docs/x.md)' },
        { kind: 'Security', text: 'A hole.' },
      ],
    },
  ]);
});

test('what has another form is told by its line', () => {
  for (const [text, message] of [
    ['## 1.2.3', /CHANGELOG\.md:1: not/],
    ['## [1.2.3]', /CHANGELOG\.md:1: not/],
    ['## [Unreleased] - 2026-01-31', /CHANGELOG\.md:1: not/],
    ['## [Unreleased]\n### New', /CHANGELOG\.md:2: not one of Added/],
    ['## [Unreleased]\n- x', /CHANGELOG\.md:2: a change without/],
  ] as const)
    assert.throws(() => parseChangelog(text), message);
});

test('Artifact Hub is told the changes of a release, without Markdown', () => {
  const section = parseChangelog(TEXT)[1];
  const metadata = chartMetadata(
    'name: x\nannotations:\n  a: b\n',
    [{ name: 'a', image: 'r/a@sha256:1' }],
    section,
  );
  assert.match(metadata, /containsSecurityUpdates: "true"/);
  assert.match(
    metadata,
    /- kind: added\n +description: One thing, on two lines\.\n +- kind: added\n +description: another thing/,
  );
  assert.match(metadata, /image: r\/a@sha256:1/);
});
