/** The keys of `values.yaml` in order, each with its default and its comment. */
import { isMap, isScalar, type Pair, parseDocument } from 'yaml';

/** One key of values.yaml. */
export interface DescribedValue {
  /** With dots: `image.tag`. */
  path: string;
  comment: string | undefined;
  /** As JSON; undefined for a section. */
  standard: string | undefined;
}

/** Parse values.yaml. An empty map is a value, and any other map is a section. @throws where it does not parse */
export function describedValues(text: string): DescribedValue[] {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return isMap(document.contents) ? [...keysOf(document.contents.items, '')] : [];
}

function* keysOf(pairs: readonly Pair[], prefix: string, first?: string | null): Generator<DescribedValue> {
  for (const [index, { key, value }] of pairs.entries()) {
    if (!isScalar(key)) continue;
    const path = `${prefix}${key.value}`;
    // `yaml` attaches the comment above a map's first key to the map.
    const comment = prose(index === 0 && first ? first : key.commentBefore);
    const section = isMap(value) && value.items.length > 0 && !isFreeForm(path);
    const standard = section ? undefined : JSON.stringify(toJson(value));
    yield { path, comment, standard };
    if (section) yield* keysOf(value.items, `${path}.`, value.commentBefore);
  }
}

/** Whether a map's keys are the user's own or Kubernetes', so that the whole map is one value. */
function isFreeForm(path: string): boolean {
  return (
    /(^nodeSelector|^strategy|^resources|ecurityContext|matchLabels|[lL]abels)$/.test(path) ||
    /Probe$/.test(path)
  );
}

function toJson(value: unknown): unknown {
  return typeof value === 'object' &&
    value !== null &&
    'toJSON' in value &&
    typeof value.toJSON === 'function'
    ? value.toJSON()
    : value;
}

/** The last paragraph of the comment. One before an empty line is about the file. */
function prose(comment: string | null | undefined): string | undefined {
  const paragraph = comment?.split(/\n\s*\n/).at(-1);
  return paragraph
    ?.split('\n')
    .map((line) => line.trim())
    .join(' ');
}
