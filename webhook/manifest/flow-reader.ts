/** Reads what stands within a line or within braces and brackets: scalars, aliases, flow collections, anchors and tags. */
import { isBreak } from './characters.ts';
import { Scanner } from './scanner.ts';
import {
  type AliasPlace,
  type Collection,
  DEEPEST,
  type Entry,
  type Node,
  scalar,
  TOO_DEEP,
} from './tree.ts';

/** An anchor and a tag, and where they begin. */
export interface Properties {
  start: number;
  anchor?: string;
  tag?: string;
}

/** The part of the reader that knows no indentation. */
export class FlowReader extends Scanner {
  protected readonly aliases: AliasPlace[] = [];
  /** The collections that are being read. */
  protected depth = 0;
  private readonly anchors = new Map<string, Node>();

  /** A scalar, an alias, or a flow collection. */
  protected leaf(indent: number, flow: boolean, properties: Properties | undefined): Node {
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
    this.goDeeper();
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
    this.depth--;
    return node;
  }

  private flowEntry(parent: Collection): void {
    const from = this.position;
    const explicit = this.isIndicator('?');
    if (explicit) this.position++;
    const key = this.flowNode();
    this.skip();
    const isPair = this.code() === 58;
    if (isPair) this.position++;
    const indicator = isPair ? this.position : key.to;
    const value = isPair ? this.flowNode() : scalar('plain', key.to, key.to);
    if (parent.kind === 'map') this.add(parent, { from, key, indicator, value });
    else if (!isPair && !explicit) this.add(parent, { from, key: undefined, indicator: from, value: key });
    else {
      const pair = this.collection('map', true, from, undefined);
      this.add(pair, { from, key, indicator, value });
      this.add(parent, { from, key: undefined, indicator: from, value: pair });
    }
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

  protected properties(): Properties | undefined {
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

  protected named(node: Node, properties: Properties | undefined): Node {
    if (properties === undefined) return node;
    Object.assign(node, properties);
    if (properties.anchor !== undefined) this.anchors.set(properties.anchor, node);
    return node;
  }

  protected goDeeper(at = this.position): void {
    this.depth++;
    if (this.depth > DEEPEST) this.fail(TOO_DEEP, at);
  }

  protected collection(
    kind: Collection['kind'],
    flow: boolean,
    from: number,
    properties: Properties | undefined,
  ): Collection {
    const node: Collection = { kind, flow, start: from, from, to: from + 1, column: 0, entries: [] };
    this.named(node, properties);
    return node;
  }

  protected add(parent: Collection, entry: Entry): void {
    parent.entries.push(entry);
    parent.to = Math.max(entry.value.to, entry.indicator);
    for (const node of [entry.key, entry.value])
      if (node?.kind === 'alias') this.aliases.push({ alias: node, entry, parent });
  }
}
