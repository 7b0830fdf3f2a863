/** The pages of docs/reference/ whose tables and texts are made from code. What stands around the marks is written by hand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { itemKeys } from '../charts/config-items.ts';
import { between, code, table } from '../charts/markdown.ts';
import { help } from '../shim/help.ts';
import { CONFIG } from '../webhook/config/schema.ts';
import { describeKeys } from '../webhook/config/schema-keys.ts';
import { REASON_MEANINGS } from '../webhook/decision/reasons.ts';
import { VOCABULARY } from '../webhook/decision/vocabulary.ts';
import { COMMANDS } from '../webhook/main.ts';
import { createMetrics } from '../webhook/server/metrics.ts';
import { REJECTIONS } from '../webhook/server/rejections.ts';
import { knownSidecarsPage } from './known-sidecars.ts';

/** Each page by its path below docs/, as it must be. @throws where a page lacks a mark */
export async function referencePages(): Promise<Map<string, string>> {
  const parts: readonly [page: string, mark: string, content: string][] = [
    ['reference/annotations.md', 'annotations', annotationsTable()],
    ['reference/configuration.md', 'keys', keysTable()],
    ['reference/configuration.md', 'items', itemsTable()],
    ['reference/reasons.md', 'reasons', reasonsTable()],
    ['reference/reasons.md', 'rejections', rejectionsTable()],
    ['reference/metrics.md', 'metrics', await metricsTable()],
    ['reference/commands.md', 'commands', await commandsText()],
    ['reference/shim.md', 'help', `\`\`\`\n${help().trimEnd()}\n\`\`\``],
  ];
  const pages = new Map<string, string>();
  for (const [page, mark, content] of parts) {
    const text = pages.get(page) ?? readFileSync(join(import.meta.dirname, page), 'utf8');
    pages.set(page, between(text, page, mark, content));
  }
  pages.set('reference/known-sidecars.md', knownSidecarsPage());
  return pages;
}

/** The help text of each command; that of serve repeats the configuration's keys, which have a page of their own. */
async function commandsText(): Promise<string> {
  const texts: string[] = [];
  for (const [name, load] of Object.entries(COMMANDS)) {
    if (name === 'serve') continue;
    texts.push(`## curfew ${name}\n\n\`\`\`\n${(await (await load()).usage()).trimEnd()}\n\`\`\``);
  }
  return texts.join('\n\n');
}

function annotationsTable(): string {
  const rows = VOCABULARY.map(({ where, key, perContainer, examples, meaning }) => [
    where,
    `\`${key}${perContainer ? '/<container>' : ''}\``,
    examples.map(code).join(', '),
    meaning,
  ]);
  return table(['where', 'key', 'values', 'meaning'], rows);
}

function keysTable(): string {
  return table(
    ['key', 'default', 'meaning'],
    [...describeKeys(CONFIG)].map((key) => keyRow(key.path, key)),
  );
}

/** The keys of the maps that some lists hold. */
function itemsTable(): string {
  return table(
    ['key', 'default', 'meaning'],
    itemKeys().map((key) => keyRow(key.path, key)),
  );
}

function keyRow(
  path: string,
  key: { help: string; allowed: string; standard: string | undefined },
): string[] {
  return [`\`${path}\``, code(key.standard), `${key.help}: ${key.allowed}`];
}

function reasonsTable(): string {
  const rows = Object.entries(REASON_MEANINGS).map(([reason, { becomes, means }]) => [
    `\`${reason}\``,
    becomes,
    means,
  ]);
  return table(['reason', 'the pod is', 'when'], rows);
}

function rejectionsTable(): string {
  const rows = Object.entries(REJECTIONS).map(([code_, { status, means }]) => [
    `\`${code_}\``,
    status,
    means,
  ]);
  return table(['reason', 'HTTP status', 'when'], rows);
}

/** Every metric, from what a webhook in which everything has happened once tells Prometheus. */
async function metricsTable(): Promise<string> {
  const metrics = createMetrics('0');
  metrics.began();
  metrics.ended('wrapped', 'wrapped', 0);
  metrics.eventEnded('written');
  metrics.imageLookups([]).lookedUp('docker.io', 'hit', 0);
  metrics.certificateLoaded(new Date(0));
  metrics.certificateFailed();
  metrics.namespaceSettings();
  const managed = metrics.selfManaged();
  managed.authorityLoaded(new Date(0));
  managed.certificateWritten('begun');
  managed.caBundleWritten();
  managed.configurationRead({ found: true, contested: false });
  const text = await metrics.text();
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)\n(.*)$/gm)].map(
    ([, name = '', meaning = '', type = '', sample = '']) => {
      const labels = [...sample.matchAll(/[{,](\w+)="/g)].map(([, label = '']) => label);
      const own = labels.filter((label) => label !== 'le').map(code);
      return [`\`${name}\``, type, own.join(', '), meaning];
    },
  );
  return table(['metric', 'type', 'labels', 'meaning'], rows);
}
