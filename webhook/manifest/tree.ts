/** A YAML document as a tree whose nodes know where they stand in the text. The tree is never changed. */

/**
 * How deep collections may stand within each other, in the text and, by aliases, in its value: as deep as kubectl takes them. Node's stack
 * ends at 1,300 calls within each other, so whatever goes through a tree or its value is a loop.
 */
export const DEEPEST = 10_000;
export const TOO_DEEP = `it is nested more than ${DEEPEST} levels deep`;

interface Place {
  /** Where it begins, with its anchor and tag. */
  start: number;
  /** Where it begins, without them. */
  from: number;
  /** Where its last character ends. Comments and line breaks after it are outside. */
  to: number;
  anchor?: string;
  tag?: string;
}

export interface Scalar extends Place {
  kind: 'scalar';
  style: 'plain' | 'single' | 'double' | 'literal' | 'folded';
  /** Block scalars: columns before each line of their content. */
  indent: number;
}

export interface Alias extends Place {
  kind: 'alias';
  name: string;
  target: Node;
}

/** A map or a list. */
export interface Collection extends Place {
  kind: 'map' | 'list';
  /** Between braces or brackets. */
  flow: boolean;
  /** Block collections: where keys or dashes stand in their lines. */
  column: number;
  entries: Entry[];
}

/** A map's pair, or a list's item. */
export interface Entry {
  /** Where it begins: its dash, its `?`, its key or, in a flow list, its value. */
  from: number;
  /** Undefined in a list. */
  key: Node | undefined;
  /** Where the colon or the dash ends. */
  indicator: number;
  value: Node;
}

export type Node = Scalar | Alias | Collection;

export interface Comment {
  from: number;
  to: number;
}

/** An alias and what it stands in. */
export interface AliasPlace {
  alias: Alias;
  entry: Entry;
  parent: Collection;
}

/** One document. */
export interface Tree {
  root: Node;
  comments: Comment[];
  aliases: AliasPlace[];
  /** Where reading ended. */
  end: number;
}

export function isCollection(node: Node): node is Collection {
  return node.kind === 'map' || node.kind === 'list';
}

export function scalar(style: Scalar['style'], from: number, to: number): Scalar {
  return { kind: 'scalar', style, start: from, from, to, indent: 0 };
}
