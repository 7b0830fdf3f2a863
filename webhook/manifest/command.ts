/**
 * A container's command becomes its args, as it is written: the key gets another name, and what is new stands before it. Words, quotes,
 * block scalars and comments stay.
 */
import { isDeepStrictEqual } from 'node:util';
import { LINE_END } from './characters.ts';
import { type Edits, type Slot, UneditableError } from './edits.ts';
import type { Collection, Entry } from './tree.ts';

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
 * @returns false where the text's words are not part of them
 */
export function putCommand(
  edits: Edits,
  container: Collection,
  command: unknown,
  args: readonly unknown[],
): boolean {
  const [own, rest] = [wordsOf(edits, container, 'command'), wordsOf(edits, container, 'args')];
  if (own === undefined && rest === undefined) return false;
  const written = [...(own?.words ?? []), ...(rest?.words ?? [])];
  const before = args.length - written.length;
  // An image's words stand before args; nothing stands before a command.
  const isPart = own === undefined ? before >= 0 : before === 0;
  if (!isPart || !isDeepStrictEqual(args.slice(before), written)) return false;
  const host =
    rest?.list !== undefined && !(rest.list.flow && own?.list?.flow === false) ? rest : (own ?? rest);
  if (host?.list === undefined && (own === undefined ? before > 0 : rest !== undefined)) return false;
  const guest = host === own ? rest : own;
  const slots = edits.slotsOf(container);
  const more = args.slice(0, host === own ? 0 : before).map((value): Slot => ({ now: { value } }));
  if (host?.list !== undefined && guest !== undefined)
    more.push(...asItems(edits, guest, host.list, container.column + 4));
  // A list that stays as it is keeps its aliases.
  if (host?.list !== undefined && more.length > 0)
    edits.slotsOf(host.list).splice(host === own ? host.words.length : 0, 0, ...more);
  const old = guest?.slot ?? emptyPair(edits, container, host === own ? 'args' : 'command');
  if (host === own && own !== undefined) own.slot.key = 'args';
  if (old === undefined)
    slots.splice(slots.indexOf(host?.slot ?? {}), 0, { key: 'command', now: { value: command } });
  else
    Object.assign(old, { now: { value: command }, bare: true, ...(host === own ? { key: 'command' } : {}) });
  return true;
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

/** A member that is there and says nothing. */
function emptyPair(edits: Edits, container: Collection, key: string): Slot | undefined {
  const slot = edits.pairOf(container, key);
  if (slot?.now !== undefined) throw new UneditableError(`${key} is changed twice`);
  return slot;
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
  const comments = tree.comments.filter(({ from }) => from >= entry.indicator && from < list.to);
  const items = list.entries.map(({ value }) => ({ from: value.start, to: value.to, isItem: true }));
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

/** An item's further lines, moved as far as its dash is. */
function shifted(text: string, list: Collection, host: Collection): string {
  if (!LINE_END.test(text)) return text;
  const by = host.column - list.column;
  return text.replace(/(\r\n|[\n\r])([ \t]*)(?=[^\s])/g, (_all, end: string, indent: string) => {
    if (list.flow) return `${end}${' '.repeat(host.column + 4)}`;
    if (by < 0 && indent.length < -by) throw new UneditableError('a line that cannot be moved to the left');
    return end + (by < 0 ? indent.slice(-by) : ' '.repeat(by) + indent);
  });
}
