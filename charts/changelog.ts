/** CHANGELOG.md, which keeps the form of https://keepachangelog.com/en/1.1.0/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'] as const;
export type ChangeKind = (typeof KINDS)[number];

/** A version with what it brought. */
export interface ChangelogSection {
  /** `Unreleased`, or a version. */
  version: string;
  /** `YYYY-MM-DD`; nothing for what is not released. */
  date?: string;
  changes: readonly { kind: ChangeKind; text: string }[];
}

const HEADING = /^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$/;

/**
 * The sections, the newest first.
 * @throws with the line that has another form
 */
export function parseChangelog(text: string): ChangelogSection[] {
  const sections: (ChangelogSection & { changes: { kind: ChangeKind; text: string }[] })[] = [];
  let kind: ChangeKind | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const wrong = (why: string) => new Error(`CHANGELOG.md:${index + 1}: ${why}: ${line}`);
    const section = sections.at(-1);
    if (line.startsWith('## ')) {
      const [, version, date] = HEADING.exec(line) ?? [];
      if (version === undefined || (version === 'Unreleased') !== (date === undefined))
        throw wrong('not "## [Unreleased]" or "## [VERSION] - YYYY-MM-DD"');
      sections.push({ version, ...(date === undefined ? {} : { date }), changes: [] });
      kind = undefined;
    } else if (line.startsWith('### ')) {
      kind = KINDS.find((name) => line === `### ${name}`);
      if (kind === undefined) throw wrong(`not one of ${KINDS.join(', ')}`);
    } else if (line.startsWith('- ') && section !== undefined) {
      if (kind === undefined) throw wrong('a change without a heading of its kind');
      section.changes.push({ kind, text: line.slice(2) });
    } else if (line.startsWith('  ')) {
      const last = section?.changes.at(-1);
      if (last !== undefined) last.text += ` ${line.trim()}`;
    }
  }
  return sections;
}

export const CHANGELOG = parseChangelog(
  readFileSync(join(import.meta.dirname, '..', 'CHANGELOG.md'), 'utf8'),
);
