/**
 * Reads one YAML document into a tree.
 *
 * It exists because the tree must be kubectl's: the `yaml` package refuses or reads otherwise what kubectl takes (quoted scalars at the
 * margin, `"x"#c`, CR line ends, a merge key after explicit keys), and its lexer alone takes longer over 5,000 Jobs than all of `inject`
 * may. What kubectl refuses may be read here: kubectl will say so.
 */
import { FlowReader, type Open, type Properties } from './flow-reader.ts';
import { isCollection, type Node, scalar, type Tree } from './tree.ts';

/**
 * @param from where its content begins, after `---`
 * @param end where the next document begins
 * @param lineStart where the line of `from` begins
 * @throws {YamlError}
 */
export function readTree(text: string, from: number, end: number, lineStart = from): Tree {
  return new Reader(text, from, end, lineStart).document();
}

class Reader extends FlowReader {
  document(): Tree {
    const root = this.root();
    this.skip();
    return { root, comments: this.comments, aliases: this.aliases, end: this.position };
  }

  private root(): Node {
    let value = this.block(-1, false);
    for (;;) {
      const top = this.open.at(-1);
      if (value === undefined) value = this.entry(this.innermost());
      else if (top === undefined) return value;
      else {
        const { node, from, key, indicator } = top;
        this.add(node, { from, key, indicator, value });
        value = this.hasMore(top) ? this.entry(top) : this.open.pop()?.node;
      }
    }
  }

  /**
   * @param afterKey a list may begin in its key's own column
   * @param isShort after a key without `?`, in whose line no map or list of lines begins
   * @returns undefined where it is a collection of lines, which is open now
   */
  private block(indent: number, afterKey: boolean, isShort = false): Node | undefined {
    const place = this.position;
    const keyLine = this.lineStart;
    this.skip();
    if (!this.isWithin(indent, afterKey)) return scalar('plain', place, place);
    const outer = this.properties();
    const { position, lineStart } = this;
    if (outer !== undefined) this.skip();
    if (!this.isWithin(indent, afterKey)) return this.named(scalar('plain', position, position), outer);
    const isInKeyLine = isShort && this.lineStart === keyLine;
    // Properties in a key's line are the key's.
    if (outer === undefined || this.lineStart === lineStart)
      return this.content(indent, undefined, outer, isInKeyLine);
    return this.content(indent, outer, this.properties(), isInKeyLine);
  }

  private isWithin(indent: number, afterKey: boolean): boolean {
    if (this.isAtEnd()) return false;
    if (this.column !== indent) return this.column > indent;
    const char = this.text[this.position];
    return char === '|' || char === '>' || (afterKey && this.isIndicator('-'));
  }

  private content(
    indent: number,
    outer: Properties | undefined,
    inner: Properties | undefined,
    isInKeyLine: boolean,
  ): Node | undefined {
    if (inner !== undefined) this.skipBlanks();
    const start = inner?.start ?? this.position;
    const { lineStart } = this;
    const isDash = this.isIndicator('-');
    const isQuestion = this.isIndicator('?');
    const node = isDash || isQuestion ? undefined : this.leaf(indent, inner);
    if (node !== undefined && (this.lineStart !== lineStart || !this.isBeforeColon()))
      return this.named(node, outer);
    if (isInKeyLine) this.fail("a map or a list begins on the line after its key's", start);
    const from = isDash ? this.position : start;
    const properties = node === undefined ? (outer ?? inner) : outer;
    const collection = this.collection(isDash ? 'list' : 'map', false, from, properties);
    collection.column = from - this.lineStart;
    this.opened(collection, node === undefined ? undefined : this.asKey(node));
    return undefined;
  }

  private isBeforeColon(): boolean {
    const { position } = this;
    this.skipBlanks();
    if (this.isIndicator(':')) return true;
    this.position = position;
    return false;
  }

  private asKey(node: Node): Node {
    return isCollection(node) ? this.failKey(node) : node;
  }

  /** Does another entry begin here? */
  private hasMore(top: Open): boolean {
    const { kind, column } = top.node;
    this.skip();
    top.from = this.position;
    top.key = undefined;
    if (this.isAtEnd() || this.column < column) return false;
    if (kind === 'map' && this.column === column) return true;
    if (this.column === column) return this.isIndicator('-');
    this.fail(`this stands neither below its ${kind === 'map' ? 'key' : '"-"'} nor beside it`);
  }

  /** Begin an entry, whose key may be known. @returns its value; undefined where that is a collection, which is open now */
  private entry(top: Open): Node | undefined {
    const { kind, column } = top.node;
    const isExplicit = kind === 'map' && top.key === undefined && this.isIndicator('?');
    if (kind === 'map') top.key ??= isExplicit ? this.explicitKey(column) : this.blockKey(column);
    if (isExplicit && top.key !== undefined) {
      const { to } = top.key;
      this.skip();
      top.indicator = to;
      if (this.column !== column || !this.isIndicator(':')) return scalar('plain', to, to);
    }
    this.position++;
    top.indicator = this.position;
    return this.block(column, kind === 'map', kind === 'map' && !isExplicit);
  }

  private explicitKey(column: number): Node {
    this.position++;
    const key = this.block(column, true);
    return key === undefined ? this.failKey(this.innermost().node) : this.asKey(key);
  }

  private blockKey(indent: number): Node {
    const { lineStart, position } = this;
    const properties = this.properties();
    this.skipBlanks();
    const key = this.leaf(indent, properties);
    if (this.lineStart !== lineStart || !this.isBeforeColon())
      this.fail('this key has no colon after it', position);
    return this.asKey(key);
  }
}
