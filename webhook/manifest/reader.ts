/**
 * Reads one YAML document into a tree.
 *
 * It exists because the tree must be kubectl's: the `yaml` package refuses or reads otherwise what kubectl takes (quoted scalars at the
 * margin, `"x"#c`, CR line ends, a merge key after explicit keys), and its lexer alone takes longer over 5,000 Jobs than all of `inject`
 * may. What kubectl refuses may be read here: kubectl will say so.
 */
import { isBreak } from './characters.ts';
import { Scanner, scalar } from './scanner.ts';
import type { AliasPlace, Collection, Entry, Node, Tree } from './tree.ts';

interface Properties {
  start: number;
  anchor?: string;
  tag?: string;
}

/**
 * @param from where its content begins, after `---`
 * @param end where the next document begins
 * @param lineStart where the line of `from` begins
 * @throws {YamlError}
 */
export function readTree(text: string, from: number, end: number, lineStart = from): Tree {
  return new Reader(text, from, end, lineStart).document();
}

class Reader extends Scanner {
  private readonly anchors = new Map<string, Node>();
  private readonly aliases: AliasPlace[] = [];

  document(): Tree {
    const root = this.block(-1, false);
    this.skip();
    return { root, comments: this.comments, aliases: this.aliases, end: this.position };
  }

  /** @param afterKey a list may begin in its key's own column */
  private block(indent: number, afterKey: boolean): Node {
    const place = this.position;
    this.skip();
    if (!this.isWithin(indent, afterKey)) return scalar('plain', place, place);
    const outer = this.properties();
    if (outer === undefined) return this.content(indent, undefined, undefined);
    const { position, lineStart } = this;
    this.skip();
    if (!this.isWithin(indent, afterKey)) return this.named(scalar('plain', position, position), outer);
    // Those in a key's line are the key's.
    return this.lineStart === lineStart
      ? this.content(indent, undefined, outer)
      : this.content(indent, outer, this.properties());
  }

  private isWithin(indent: number, afterKey: boolean): boolean {
    if (this.isAtEnd()) return false;
    return this.column > indent || (afterKey && this.column === indent && this.isIndicator('-'));
  }

  private content(indent: number, outer: Properties | undefined, inner: Properties | undefined): Node {
    if (inner !== undefined) this.skipBlanks();
    const start = inner?.start ?? this.position;
    if (this.isIndicator('-')) return this.blockList(outer ?? inner);
    if (this.isIndicator('?')) return this.blockMap(start, outer ?? inner, undefined);
    const { lineStart } = this;
    const node = this.leaf(indent, false, inner);
    if (this.lineStart !== lineStart || !this.isBeforeColon()) return this.named(node, outer);
    return this.blockMap(start, outer, node);
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
    let key = firstKey;
    let from = start;
    for (;;) {
      if (key === undefined && this.isIndicator('?')) this.explicitPair(map);
      else {
        key ??= this.blockKey(map.column);
        this.pair(map, from, key);
      }
      this.skip();
      if (this.isAtEnd() || this.column < map.column) return map;
      if (this.column > map.column) this.fail('this stands neither below its key nor beside it');
      key = undefined;
      from = this.position;
    }
  }

  /** A key and its value, at the colon. */
  private pair(map: Collection, from: number, key: Node): void {
    this.position++;
    const indicator = this.position;
    this.add(map, { from, key, indicator, value: this.block(map.column, true) });
  }

  private explicitPair(map: Collection): void {
    const from = this.position;
    this.position++;
    const key = this.block(map.column, true);
    this.skip();
    if (this.column === map.column && this.isIndicator(':')) return this.pair(map, from, key);
    this.add(map, { from, key, indicator: key.to, value: scalar('plain', key.to, key.to) });
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
    return list;
  }

  /** A scalar, an alias, or a flow collection. */
  private leaf(indent: number, flow: boolean, properties: Properties | undefined): Node {
    switch (this.text[this.position]) {
      case '"':
      case "'":
        return this.named(this.quoted(), properties);
      case '[':
        return this.flow('list', ']', properties);
      case '{':
        return this.flow('map', '}', properties);
      case '*':
        return this.alias();
      case '|':
      case '>':
        if (!flow) return this.named(this.blockScalar(indent), properties);
        break;
      case '%':
      case '@':
      case '`':
        this.fail(`${JSON.stringify(this.text[this.position])} cannot begin a value`);
    }
    return this.named(this.plain(indent, flow), properties);
  }

  private flow(kind: Collection['kind'], close: string, properties: Properties | undefined): Node {
    const node = this.collection(kind, true, this.position, properties);
    this.position++;
    for (;;) {
      this.skip();
      if (this.isAtEnd())
        this.fail(`the ${JSON.stringify(this.text[node.from])} that begins here has no end`, node.from);
      const char = this.text[this.position];
      if (char === close || char === ',') this.position++;
      if (char === close) break;
      if (char === ',') continue;
      this.flowEntry(node);
      this.skip();
      const next = this.text[this.position];
      if (!this.isAtEnd() && next !== ',' && next !== close) this.fail(`here "," or "${close}" is expected`);
    }
    node.to = this.position;
    return node;
  }

  private flowEntry(parent: Collection): void {
    const from = this.position;
    const explicit = this.isIndicator('?');
    if (explicit) this.position++;
    const key = this.flowNode();
    this.skip();
    const isPair = this.code() === 58;
    if (parent.kind === 'list' && !isPair && !explicit)
      return this.add(parent, { from, key: undefined, indicator: from, value: key });
    if (isPair) this.position++;
    const indicator = isPair ? this.position : key.to;
    const value = isPair ? this.flowNode() : scalar('plain', key.to, key.to);
    if (parent.kind === 'map') return this.add(parent, { from, key, indicator, value });
    const pair = this.collection('map', true, from, undefined);
    this.add(pair, { from, key, indicator, value });
    this.add(parent, { from, key: undefined, indicator: from, value: pair });
  }

  private flowNode(): Node {
    const place = this.position;
    this.skip();
    const properties = this.properties();
    const named = this.position;
    this.skip();
    const char = this.text[this.position];
    if (this.isAtEnd() || char === ',' || char === ':' || char === ']' || char === '}') {
      const at = properties === undefined ? place : named;
      return this.named(scalar('plain', at, at), properties);
    }
    return this.leaf(-1, true, properties);
  }

  private alias(): Node {
    const from = this.position;
    this.position++;
    const name = this.word();
    const target = this.anchors.get(name);
    if (target === undefined) this.fail(`no anchor &${name.slice(0, 60)} stands before this alias`, from);
    return { kind: 'alias', name, target, start: from, from, to: this.position };
  }

  private properties(): Properties | undefined {
    let found: Properties | undefined;
    for (;;) {
      const char = this.text[this.position];
      if (this.isAtEnd() || (char !== '&' && char !== '!')) break;
      found ??= { start: this.position };
      this.position++;
      if (char === '&') found.anchor = this.word();
      else found.tag = `!${this.word()}`;
      if (isBreak(this.code())) break;
      const next = /[ \t]+(?=[&!])/y;
      next.lastIndex = this.position;
      this.position += next.exec(this.text)?.[0].length ?? 0;
    }
    return found;
  }

  /** An anchor's name, or the rest of a tag. */
  private word(): string {
    const pattern = /<[^>\s]*>|[^\s,[\]{}]*/y;
    pattern.lastIndex = this.position;
    const word = pattern.exec(this.text)?.[0] ?? '';
    this.position += word.length;
    return word;
  }

  private named(node: Node, properties: Properties | undefined): Node {
    if (properties === undefined) return node;
    Object.assign(node, properties);
    if (properties.anchor !== undefined) this.anchors.set(properties.anchor, node);
    return node;
  }

  private collection(
    kind: Collection['kind'],
    flow: boolean,
    from: number,
    properties: Properties | undefined,
  ): Collection {
    const node: Collection = { kind, flow, start: from, from, to: from + 1, column: 0, entries: [] };
    this.named(node, properties);
    return node;
  }

  private add(parent: Collection, entry: Entry): void {
    parent.entries.push(entry);
    parent.to = Math.max(entry.value.to, entry.indicator);
    for (const node of [entry.key, entry.value])
      if (node?.kind === 'alias') this.aliases.push({ alias: node, entry, parent });
  }
}
