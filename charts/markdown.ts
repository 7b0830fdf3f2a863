/** Pieces of Markdown that are made from code, here and in docs/. */

/**
 * Put a text between the marks of a document, which its author wrote around it.
 * @param file the document's name, for the error
 * @throws where it lacks the marks
 */
export function between(text: string, file: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}: generated -->\n`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} lacks the marks of ${name}`);
  return `${text.slice(0, from)}${begin}\n${content}\n\n${text.slice(to)}`;
}

/** A table: its head, then its rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = `|${head.map(() => '---').join('|')}|`;
  return [row(head), rule, ...rows.map(row)].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A default as a cell shows it: empty where there is none. */
export function code(text: string | undefined): string {
  return text === undefined || text === '""' || text === 'null' ? '' : `\`${text}\``;
}
