/** The ways in which a text changes: something takes the place of what is there, is put beside it, or goes. Comments stay. */
import { endOf, type Part } from './aliases.ts';
import { type Edits, UneditableError } from './edits.ts';
import { flowKey, flowStyle } from './flow-style.ts';
import { aboveComments, commentsIn, endBefore, lineEnd, lineStart, nextLine } from './lines.ts';
import type { Splice } from './splice.ts';
import {
  type BlockStyle,
  blockText,
  flowText,
  inlineText,
  isFilled,
  itemText,
  pairText,
  valueText,
} from './text.ts';
import type { Collection, Entry } from './tree.ts';

/** Gathers changes of a text, written like what stands around them. */
export class SpliceWriter {
  protected readonly edits: Edits;
  protected readonly text: string;
  protected readonly eol: string;
  protected splices: Splice[] = [];
  private readonly style: BlockStyle;

  constructor(edits: Edits, style: BlockStyle, eol: string) {
    this.edits = edits;
    this.text = edits.text;
    this.style = style;
    this.eol = eol;
  }

  /** A new entry's text. @param key undefined in a list */
  protected newText(node: Collection, key: string | undefined, value: unknown): string {
    if (node.flow) {
      const text = this.flow(value, node);
      return key === undefined ? text : `${flowKey(this.text, node, key)}: ${text}`;
    }
    const text =
      key === undefined
        ? itemText(value, node.column, this.style)
        : pairText(key, value, node.column, this.style);
    return this.withEol(text);
  }

  /** What stands in the place of a value: in a block, what follows the key's colon, or the dash. */
  protected valueText(node: Collection, value: unknown): string {
    if (node.flow) return this.flow(value, node);
    if (!isFilled(value)) return ` ${inlineText(value)}`;
    return this.withEol(
      node.kind === 'map'
        ? `\n${valueText(value, node.column, this.style)}`
        : ` ${blockText(value, node.column + 2, this.style)}`,
    );
  }

  /** What goes with a moved entry: of lines, also the comments right above it and at its end. */
  protected placeOf({ flow }: Collection, entry: Entry): Part {
    const to = endOf(entry);
    if (flow) return { from: entry.from, to };
    const { comments } = this.edits.tree;
    return { from: aboveComments(this.text, comments, entry.from), to: lineEnd(this.text, to) };
  }

  /** The lines of a moved entry, with the line end before them: what is added after the list stands at the end of its last line. */
  protected cutOut(node: Collection, entry: Entry): void {
    const { from, to } = this.placeOf(node, entry);
    const start = lineStart(this.text, from);
    if (start === 0 || this.text.slice(start, from).trim() !== '')
      throw new UneditableError('what shares its line cannot be cut out');
    this.splices.push({ from: endBefore(this.text, start), to, text: '' });
  }

  protected removeEntry(node: Collection, index: number, isAfterOther: boolean, isMoved: boolean): void {
    const entry = node.entries[index];
    const [previous, next] = [node.entries[index - 1], node.entries[index + 1]];
    if (entry === undefined) return;
    if (node.flow) {
      const isLater = isAfterOther && previous !== undefined;
      const from = isLater ? endOf(previous) : entry.from;
      const to = isLater ? endOf(entry) : (next?.from ?? endOf(entry));
      const beside = [...this.comments(from, entry.from), ...this.comments(endOf(entry), to)];
      this.replace(from, to, '', node, isMoved ? beside : this.comments(from, to));
      return;
    }
    const start = lineStart(this.text, entry.from);
    const isFirst = this.text.slice(start, entry.from).trim() === '';
    const end = lineEnd(this.text, endOf(entry));
    const comments = this.comments(entry.from, end);
    const text = comments.map((comment) => ' '.repeat(node.column) + comment + this.eol).join('');
    if (isFirst) this.splices.push({ from: start, to: nextLine(this.text, end), text });
    else if (next !== undefined && comments.length === 0)
      this.splices.push({ from: entry.from, to: next.from, text: '' });
    else throw new UneditableError('what shares its line cannot be cut out');
  }

  /** @param comments those of what is replaced: they stand after it */
  protected replace(
    from: number,
    to: number,
    text: string,
    { flow, column }: Collection,
    comments = this.comments(from, to),
  ): void {
    const indent = this.eol + ' '.repeat(column);
    const kept = comments.map((comment) => (flow ? ` ${comment}${indent}` : indent + comment));
    this.splices.push({ from, to, text: text + kept.join('') });
  }

  protected comments(from: number, to: number): string[] {
    const inside = commentsIn(this.edits.tree.comments, from, to);
    return inside.map((comment) => this.text.slice(comment.from, comment.to));
  }

  protected add(at: number, text: string): void {
    this.splices.push({ from: at, to: at, text });
  }

  private flow(value: unknown, node: Collection): string {
    const { indent, step } = flowStyle(this.text, node, this.eol);
    return this.withEol(flowText(value, indent, step));
  }

  private withEol(text: string): string {
    return this.eol === '\n' ? text : text.replaceAll('\n', this.eol);
  }
}
