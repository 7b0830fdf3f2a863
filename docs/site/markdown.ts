/** What the site does to the documents' Markdown beside what VitePress does: https://markdown-it.github.io/markdown-it/. */
import { relative } from 'node:path';
import { linkInSite, type Places } from './links.ts';

/** What is used of a token of markdown-it. */
export interface Token {
  type: string;
  content: string;
  children: Token[] | null;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
}

/** What is used of a renderer of markdown-it. VitePress puts the document's path, and that of its page, into the environment. */
export interface Renderer {
  core: { ruler: { push(name: string, rule: (state: State) => void): void } };
}

interface State {
  tokens: Token[];
  env: { path: string; realPath?: string };
}

/** Rewrite every link of a document before VitePress looks at it. */
export function rewriteLinks(md: Renderer, root: string, places: Places): void {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const from = relative(root, env.realPath ?? env.path);
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const target = token.type === 'link_open' ? token.attrGet('href') : null;
      if (target !== null) token.attrSet('href', linkInSite(from, target, places));
    }
  });
}

/**
 * Make an indented block of code the same as one between fences: VitePress gives those alone a frame, in which a long line scrolls by itself,
 * and a button that copies.
 */
export function frameBlocks(md: Renderer): void {
  md.core.ruler.push('framed-blocks', ({ tokens }) => frameTokens(tokens));
}

/** The indented blocks among these tokens become fences of no language. */
export function frameTokens(tokens: readonly Token[]): void {
  for (const token of tokens) if (token.type === 'code_block') token.type = 'fence';
}

/** Give every cell the head of its column, which a narrow screen shows beside it (style.css). */
export function labelCells(md: Renderer): void {
  md.core.ruler.push('cell-labels', ({ tokens }) => labelTokens(tokens));
}

/** The cells of the tables among these tokens get `data-label`. */
export function labelTokens(tokens: readonly Token[]): void {
  let heads: string[] = [];
  let column = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'thead_open') heads = [];
    if (token.type === 'tr_open') column = 0;
    if (token.type === 'th_open') heads.push(tokens[index + 1]?.content.replaceAll(/[`*]/g, '') ?? '');
    if (token.type === 'td_open') token.attrSet('data-label', heads[column++] ?? '');
  }
}

/** Whether a document is mostly tables, or has one of five columns or more: its page needs the room beside the text. */
export function isTabular(text: string): boolean {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const rows = lines.filter((line) => line.startsWith('|'));
  return rows.length > lines.length / 2 || rows.some((line) => /^\|(?:[ :-]+\|){5,}$/.test(line));
}
