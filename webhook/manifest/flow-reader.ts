/** Reads what stands within a line or within braces and brackets: scalars, aliases, flow collections, anchors and tags. */
import { isBreak } from './characters.ts';
import { Scanner } from './scanner.ts';
import {
  type AliasPlace,
  type Collection,
  DEEPEST,
  type Entry,
  isCollection,
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

/** An anchor's name, and the rest of a tag, in which `,` and brackets may stand. */
const NAME = /[^\s\u0085,[\]{}]*/y;
const TAG = /<[^>\s]*>|[^\s\u0085{}]*/y;

/** A collection that is being read, and what is known of the entry that is being read. */
export interface Open {
  node: Collection;
  from: number;
  key: Node | undefined;
  indicator: number;
}

/** The part of the reader that knows no indentation. */
export class FlowReader extends Scanner {
  protected readonly aliases: AliasPlace[] = [];
  /** The innermost one last. The reader does not call itself for what stands within: that may be deeper than Node's stack. */
  protected readonly open: Open[] = [];
  private readonly anchors = new Map<string, Node>();

  /** A scalar, an alias, or a flow collection. */
  protected leaf(indent: number, properties: Properties | undefined): Node {
    const char = this.text[this.position];
    if (char === '[' || char === '{') return this.flow(properties);
    if (char === '|' || char === '>') return this.named(this.blockScalar(indent), properties);
    return this.word(indent, false, properties);
  }

  /** A scalar that is no block scalar, or an alias. */
  private word(indent: number, flow: boolean, properties: Properties | undefined): Node {
    switch (this.text[this.position]) {
      case '"':
      case "'":
        return this.named(this.quoted(), properties);
      case '*':
        return this.alias();
      case '%':
      case '@':
      case '`':
        this.fail(`${JSON.stringify(this.text[this.position])} cannot begin a value`);
    }
    return this.named(this.plain(indent, flow), properties);
  }

  /** A flow collection with all that stands within it. */
  private flow(properties: Properties | undefined): Node {
    const outside = this.open.length;
    this.openFlow(properties);
    for (;;) {
      const top = this.innermost();
      const close = top.node.kind === 'list' ? ']' : '}';
      this.skip();
      const char = this.text[this.position];
      if (this.isAtEnd())
        this.fail(
          `the ${JSON.stringify(this.text[top.node.from])} that begins here has no end`,
          top.node.from,
        );
      if (char === ',') this.position++;
      else if (char === close) {
        this.position++;
        top.node.to = this.position;
        this.open.pop();
        if (this.open.length === outside) return top.node;
        this.addFlow(this.innermost(), top.node);
      } else {
        const value = this.flowEntry(top);
        if (value !== undefined) this.addFlow(top, value);
      }
    }
  }

  protected innermost(): Open {
    const top = this.open.at(-1);
    if (top === undefined) throw new Error('no collection is open');
    return top;
  }

  private openFlow(properties: Properties | undefined): void {
    const kind = this.text[this.position] === '[' ? 'list' : 'map';
    this.opened(this.collection(kind, true, this.position, properties));
    this.position++;
  }

  protected opened(node: Collection, firstKey?: Node): void {
    this.open.push({ node, from: node.from, key: firstKey, indicator: 0 });
    if (this.open.length > DEEPEST) this.fail(TOO_DEEP, node.from);
  }

  /** Begin an entry. @returns its value; undefined where that is a collection, which is open now */
  private flowEntry(top: Open): Node | undefined {
    top.from = this.position;
    top.key = undefined;
    const explicit = this.isIndicator('?');
    if (explicit) this.position++;
    const isKey = explicit || top.node.kind === 'map';
    const first = this.flowNode();
    if (first === undefined) {
      top.indicator = top.from;
      if (isKey) this.failKey(this.innermost().node);
      return undefined;
    }
    this.skip();
    const isPair = this.code() === 58;
    top.indicator = isPair ? this.position + 1 : isKey ? first.to : top.from;
    if (!isPair && !isKey) return first;
    top.key = first;
    if (!isPair) return scalar('plain', first.to, first.to);
    this.position++;
    return this.flowNode();
  }

  /** The value of the entry that has begun; then the next one, or the end, must follow. */
  private addFlow({ node, from, key, indicator }: Open, value: Node): void {
    this.skip();
    const next = this.text[this.position];
    const close = node.kind === 'list' ? ']' : '}';
    if (key === undefined && next === ':' && isCollection(value)) this.failKey(value);
    if (!this.isAtEnd() && next !== ',' && next !== close) this.fail(`here "," or "${close}" is expected`);
    const entry = { from, key, indicator, value };
    if (node.kind === 'map' || key === undefined) this.add(node, entry);
    else {
      const pair = this.collection('map', true, from, undefined);
      this.add(pair, entry);
      this.add(node, { from, key: undefined, indicator: from, value: pair });
    }
  }

  /** @returns undefined where it is a collection, which is open now */
  private flowNode(): Node | undefined {
    const place = this.position;
    this.skip();
    let properties = this.properties();
    let at = properties === undefined ? place : this.position;
    this.skip();
    // An anchor and a tag may stand in two lines.
    if (properties !== undefined && /[&!]/.test(this.text[this.position] ?? '')) {
      properties = { ...this.properties(), ...properties };
      at = this.position;
      this.skip();
    }
    const char = this.text[this.position];
    if (this.isAtEnd() || char === ',' || char === ':' || char === ']' || char === '}')
      return this.named(scalar('plain', at, at), properties);
    if (char !== '[' && char !== '{') return this.word(-1, true, properties);
    this.openFlow(properties);
    return undefined;
  }

  protected failKey({ from }: Node): never {
    this.fail('a map or a list is no key', from);
  }

  private alias(): Node {
    const from = this.position;
    this.position++;
    const name = this.take(NAME);
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
      if (char === '&') found.anchor = this.take(NAME);
      else found.tag = `!${this.take(TAG)}`;
      if (isBreak(this.code())) break;
      const next = /[ \t]+(?=[&!])/y;
      next.lastIndex = this.position;
      this.position += next.exec(this.text)?.[0].length ?? 0;
    }
    return found;
  }

  private take(pattern: RegExp): string {
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
    const { key, value } = entry;
    if (key?.kind === 'alias') this.aliases.push({ alias: key, entry, parent });
    if (value.kind === 'alias') this.aliases.push({ alias: value, entry, parent });
  }
}
