/**
 * Reads one YAML document into a tree.
 *
 * It exists because the tree must be kubectl's: the `yaml` package refuses or reads otherwise what kubectl takes (quoted scalars at the
 * margin, `"x"#c`, CR line ends, a merge key after explicit keys), and its lexer alone takes longer over 5,000 Jobs than all of `inject`
 * may. What kubectl refuses may be read here: kubectl will say so.
 */
import { FlowReader, type Properties } from './flow-reader.ts';
import { type Collection, type Node, scalar, type Tree } from './tree.ts';

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
    const root = this.block(-1, false);
    this.skip();
    return { root, comments: this.comments, aliases: this.aliases, end: this.position };
  }

  /**
   * @param afterKey a list may begin in its key's own column
   * @param isShort after a key without `?`, in whose line no map or list of lines begins
   */
  private block(indent: number, afterKey: boolean, isShort = false): Node {
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
    return this.column > indent || (afterKey && this.column === indent && this.isIndicator('-'));
  }

  private content(
    indent: number,
    outer: Properties | undefined,
    inner: Properties | undefined,
    isInKeyLine: boolean,
  ): Node {
    if (inner !== undefined) this.skipBlanks();
    const start = inner?.start ?? this.position;
    const { lineStart } = this;
    const isDash = this.isIndicator('-');
    const isQuestion = this.isIndicator('?');
    const node = isDash || isQuestion ? undefined : this.leaf(indent, false, inner);
    if (node !== undefined && (this.lineStart !== lineStart || !this.isBeforeColon()))
      return this.named(node, outer);
    if (isInKeyLine) this.fail("a map or a list begins on the line after its key's", start);
    if (isDash) return this.blockList(outer ?? inner);
    return this.blockMap(start, node === undefined ? (outer ?? inner) : outer, node);
  }

  private isBeforeColon(): boolean {
    const { position } = this;
    this.skipBlanks();
    if (this.isIndicator(':')) return true;
    this.position = position;
    return false;
  }

  private blockMap(start: number, properties: Properties | undefined, firstKey: Node | undefined): Node {
    const map = this.collection('map', false, start, properties);
    map.column = start - this.lineStart;
    this.goDeeper(start);
    let key = firstKey;
    let from = start;
    for (;;) {
      if (key === undefined && this.isIndicator('?')) this.explicitPair(map);
      else {
        key ??= this.blockKey(map.column);
        this.pair(map, from, key, true);
      }
      this.skip();
      if (this.isAtEnd() || this.column < map.column) break;
      if (this.column > map.column) this.fail('this stands neither below its key nor beside it');
      key = undefined;
      from = this.position;
    }
    this.depth--;
    return map;
  }

  /** A key and its value, at the colon. */
  private pair(map: Collection, from: number, key: Node, isShort: boolean): void {
    this.position++;
    const indicator = this.position;
    this.add(map, { from, key, indicator, value: this.block(map.column, true, isShort) });
  }

  private explicitPair(map: Collection): void {
    const from = this.position;
    this.position++;
    const key = this.block(map.column, true);
    this.skip();
    if (this.column === map.column && this.isIndicator(':')) this.pair(map, from, key, false);
    else this.add(map, { from, key, indicator: key.to, value: scalar('plain', key.to, key.to) });
  }

  private blockKey(indent: number): Node {
    const { lineStart, position } = this;
    const properties = this.properties();
    this.skipBlanks();
    const key = this.leaf(indent, false, properties);
    if (this.lineStart !== lineStart || !this.isBeforeColon())
      this.fail('this key has no colon after it', position);
    return key;
  }

  private blockList(properties: Properties | undefined): Node {
    const list = this.collection('list', false, this.position, properties);
    list.column = this.column;
    this.goDeeper();
    do {
      const from = this.position;
      this.position++;
      this.add(list, {
        from,
        key: undefined,
        indicator: this.position,
        value: this.block(list.column, false),
      });
      this.skip();
    } while (!this.isAtEnd() && this.column === list.column && this.isIndicator('-'));
    if (!this.isAtEnd() && this.column > list.column)
      this.fail('this stands neither below its "-" nor beside it');
    this.depth--;
    return list;
  }
}
