/**
 * Where the scalars of a YAML text begin and end, by the rules of kubectl's reader (libyaml): a quoted scalar's lines may stand in any
 * column, a comment may follow a quote at once, and five characters end a line.
 */
import { HASH, isBlank, isBlankOrEnd, isBreak, isFlowIndicator, SPACE } from './characters.ts';
import { type Comment, type Scalar, scalar } from './tree.ts';

/** A text that is no YAML. The message is a clause without the place. */
export class YamlError extends Error {
  override name = 'YamlError';
  readonly at: number;

  /** @param at the offset in the text */
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Reads scalars, blanks and comments, and knows the column it stands in. */
export class Scanner {
  readonly text: string;
  readonly end: number;
  readonly comments: Comment[] = [];
  private readonly start: number;
  position: number;
  lineStart: number;

  constructor(text: string, from: number, end: number, lineStart: number) {
    this.text = text;
    this.end = end;
    this.position = from;
    this.start = from;
    this.lineStart = lineStart;
  }

  get column(): number {
    return this.position - this.lineStart;
  }

  /** NaN at the end. */
  code(offset = 0): number {
    const at = this.position + offset;
    return at < this.end ? this.text.charCodeAt(at) : Number.NaN;
  }

  isAtEnd(): boolean {
    return this.position >= this.end;
  }

  /** Does this character stand here, and a blank or a line's end after it? */
  isIndicator(char: string): boolean {
    return this.code() === char.charCodeAt(0) && isBlankOrEnd(this.code(1));
  }

  /** Go to the next character that is neither blank nor in a comment. A byte order mark at the document's begin is no column. */
  skip(): void {
    for (;;) {
      const code = this.code();
      // Most of what values begin with.
      if (code > 44 && code < 0x85) return;
      if (isBlank(code)) this.position++;
      else if (isBreak(code)) this.newLine();
      else if (code === HASH) this.comment();
      else if (code === 0xfeff && this.isDocumentStart()) this.newLine();
      else return;
    }
  }

  private isDocumentStart(): boolean {
    return this.column === 0 && this.text.slice(this.start, this.position).trim() === '';
  }

  skipBlanks(): void {
    while (isBlank(this.code())) this.position++;
  }

  protected fail(message: string, at = this.position): never {
    throw new YamlError(message, at);
  }

  private newLine(): void {
    this.position++;
    this.lineStart = this.position;
  }

  private comment(): void {
    const from = this.position;
    while (!isBreak(this.code()) && !this.isAtEnd()) this.position++;
    this.comments.push({ from, to: this.position });
  }

  /** @param indent the column that a further line must go beyond; any will do within braces and brackets */
  protected plain(indent: number, flow: boolean): Scalar {
    const { text, position: from } = this;
    let to = from;
    do {
      to = this.plainLine(flow, to);
      this.position = to;
    } while (this.isContinued(indent, flow));
    if (to === from) this.fail(`${JSON.stringify(text[from] ?? 'the end')} cannot begin a value`);
    return scalar('plain', from, to);
  }

  /** @returns where the last character of a line's part ends; `before` where there is none */
  private plainLine(flow: boolean, before: number): number {
    const { text, end, position } = this;
    let to = before;
    for (let at = position; at < end; at++) {
      const code = text.charCodeAt(at);
      if (isBlank(code)) continue;
      if (isBreak(code)) break;
      if (code === HASH && at > position && isBlank(text.charCodeAt(at - 1))) break;
      if (code === 58 && (at + 1 >= end || isBlankOrEnd(text.charCodeAt(at + 1)))) break;
      if (flow && isFlowIndicator(code)) break;
      to = at + 1;
    }
    return to;
  }

  /** Does a plain scalar go on in another line? Goes there. */
  private isContinued(indent: number, flow: boolean): boolean {
    const { position, lineStart } = this;
    this.skipBlanks();
    if (isBreak(this.code())) {
      while (isBlank(this.code()) || isBreak(this.code()))
        if (isBreak(this.code())) this.newLine();
        else this.position++;
      const isEnd = this.isAtEnd() || this.code() === HASH || this.isIndicator(':');
      if (!isEnd && (flow ? !isFlowIndicator(this.code()) : this.column > indent)) return true;
    }
    this.position = position;
    this.lineStart = lineStart;
    return false;
  }

  protected quoted(): Scalar {
    const from = this.position;
    const quote = this.code();
    const isDouble = quote === 34;
    this.position++;
    for (;;) {
      const code = this.code();
      if (Number.isNaN(code)) this.fail('the quote that begins here has no end', from);
      if (isBreak(code)) this.newLine();
      else if (isDouble && code === 92) this.position += isBreak(this.code(1)) ? 1 : 2;
      else if (code !== quote) this.position++;
      else if (!isDouble && this.code(1) === quote) this.position += 2;
      else break;
    }
    this.position++;
    return scalar(isDouble ? 'double' : 'single', from, this.position);
  }

  /** @param parent the column of the collection that it stands in, or -1 */
  protected blockScalar(parent: number): Scalar {
    const from = this.position;
    const header = /[|>](?:([1-9])[-+]|[-+]?([1-9])?)/y;
    header.lastIndex = from;
    const [indicators = '', digit, sameDigit] = header.exec(this.text) ?? [];
    this.position += indicators.length;
    this.skipBlanks();
    let to = from + indicators.length;
    if (this.code() === HASH) this.comment();
    if (!isBreak(this.code()) && !this.isAtEnd()) this.fail('a block scalar begins on the next line');
    this.breakLine();
    const explicit = Number(digit ?? sameDigit ?? 0);
    const indent = explicit > 0 ? Math.max(parent, 0) + explicit : this.blockIndent(parent + 1);
    while (!this.isAtEnd()) {
      while (this.column < indent && this.code() === SPACE) this.position++;
      if (isBreak(this.code()) || this.isAtEnd()) {
        if (indicators.includes('+')) to = this.position;
      } else if (this.column === indent) {
        while (!isBreak(this.code()) && !this.isAtEnd()) this.position++;
        to = this.position;
      } else break;
      this.breakLine();
    }
    const node = scalar(from < this.end && this.text[from] === '|' ? 'literal' : 'folded', from, to);
    return { ...node, indent };
  }

  /** The first line that is not empty tells how far the content stands in; so does an empty one that is longer. */
  private blockIndent(least: number): number {
    let widest = Math.max(least, 1);
    let at = this.position;
    for (let start = at; at < this.end; at++) {
      const code = this.text.charCodeAt(at);
      if (isBreak(code)) start = at + 1;
      else if (code !== SPACE) return Math.max(widest, at - start);
      else widest = Math.max(widest, at + 1 - start);
    }
    return widest;
  }

  private breakLine(): void {
    if (this.isAtEnd()) return;
    if (this.code() === 13 && this.code(1) === 10) this.position++;
    this.newLine();
  }
}
