/**
 * A container's command becomes its args, as it is written: the key gets another name, and what is new stands before it. Words, quotes,
 * block scalars and comments stay.
 */
import { LINE_END } from './characters.ts';
import type { Edits, Slot } from './edits.ts';
import { commentsIn, shifted } from './lines.ts';
import type { Collection, Entry } from './tree.ts';
import { isSame } from './value.ts';

/** A list of words as it stands in the text. */
interface Words {
  slot: Slot;
  entry: Entry;
  words: unknown[];
  /** Undefined where an alias stands for it. */
  list: Collection | undefined;
}

/**
 * Give a container another command, and as args what it ran before.
 * @param args what command and args said together, or args with words before them
 * @returns false where the text's words are not part of them, or stand where nothing can be put beside them
 */
export function putCommand(
  edits: Edits,
  container: Collection,
  command: unknown,
  args: readonly unknown[],
): boolean {
  const [own, rest] = [wordsOf(edits, container, 'command'), wordsOf(edits, container, 'args')];
  const written = [...(own?.words ?? []), ...(rest?.words ?? [])];
  const before = args.slice(0, args.length - written.length);
  if (!isSame(args, [...before, ...written])) return false;
  // An image's words stand before args; nothing stands before a command.
  if (own !== undefined)
    return before.length === 0 && joinWords(edits, container, own, rest, { value: command });
  if (rest === undefined) return false;
  if (before.length > 0 && rest.list === undefined) return false;
  if (rest.list !== undefined && before.length > 0)
    edits.slotsOf(rest.list).unshift(...before.map((value) => ({ now: { value } })));
  putBeside(edits, container, rest, edits.pairOf(container, 'command'), {
    key: 'command',
    now: { value: command },
  });
  return true;
}

/** The command's words and those of args become one list: where one stands in lines, that is the one that takes the other's. */
function joinWords(
  edits: Edits,
  container: Collection,
  own: Words,
  rest: Words | undefined,
  now: { value: unknown },
): boolean {
  const indent = container.column + 4;
  if (rest?.list !== undefined && !(rest.list.flow && own.list?.flow === false)) {
    edits.slotsOf(rest.list).unshift(...asItems(edits, own, rest.list, indent));
    Object.assign(own.slot, { now, bare: true });
    return true;
  }
  if (rest !== undefined) {
    if (own.list === undefined) return false;
    edits.slotsOf(own.list).push(...asItems(edits, rest, own.list, indent));
    Object.assign(rest.slot, { bare: true });
  }
  const place = rest?.slot ?? edits.pairOf(container, 'args');
  own.slot.key = 'args';
  putBeside(edits, container, own, place, { key: 'command', now });
  return true;
}

/** A pair in the place of one that is not needed any more, or before that of the words. */
function putBeside(
  edits: Edits,
  container: Collection,
  { slot }: Words,
  place: Slot | undefined,
  pair: Slot,
): void {
  const slots = edits.slotsOf(container);
  if (place === undefined) slots.splice(slots.indexOf(slot), 0, pair);
  else Object.assign(place, pair);
}

/** A member that the text has and that is a list of something. */
function wordsOf(edits: Edits, container: Collection, key: string): Words | undefined {
  const slot = edits.pairOf(container, key);
  const entry = slot?.was;
  if (slot === undefined || entry === undefined || slot.now !== undefined) return undefined;
  const words = edits.values.of(entry.value);
  if (!Array.isArray(words) || words.length === 0) return undefined;
  return { slot, entry, words, list: entry.value.kind === 'list' ? entry.value : undefined };
}

/**
 * One list's items as another's: as they are written, with their comments; or as values, where an alias stands for them.
 * @param indent columns before further lines within brackets
 */
function asItems(
  { text, tree }: Edits,
  { words, list, entry }: Words,
  host: Collection,
  indent: number,
): Slot[] {
  if (list === undefined) return words.map((value) => ({ now: { value } }));
  const items = list.entries.map(({ value }) => ({ from: value.start, to: value.to, isItem: true }));
  // One between a word's tag and the word goes with it.
  const comments = commentsIn(tree.comments, entry.indicator, list.to).filter(
    (comment) => !items.some(({ from, to }) => comment.from > from && comment.to < to),
  );
  const places = [...items, ...comments.map((comment) => ({ ...comment, isItem: false }))];
  const parts: string[] = [];
  const line = `${LINE_END.exec(text)?.[0] ?? ''}${' '.repeat(indent)}`;
  let [end, above] = [entry.indicator, ''];
  for (const { from, to, isItem } of places.sort((left, right) => left.from - right.from)) {
    const said = text.slice(from, to);
    const last = parts.length - 1;
    if (isItem) parts.push(host.flow ? above + said : `- ${shifted(said, list, host)}`);
    else if (!host.flow && last >= 0 && !LINE_END.test(text.slice(end, from))) parts[last] += ` ${said}`;
    else if (!host.flow) parts.push(said);
    above = isItem || !host.flow ? '' : above + said + line;
    end = to;
  }
  if (above !== '') parts.push(`${parts.pop() ?? ''} ${above}`);
  return [{ written: parts }];
}
