/** The kubelet's expansion of `$(NAME)` in a container's command, args and exec probes. */
import { isRecord, type JsonRecord, member } from '../shared/json.ts';

/**
 * Write a text so that the kubelet's expansion gives it back: every `$(` becomes `$$(`. The kubelet also makes one `$` of
 * every `$$`, so a run of them is doubled too; a lone `$` means nothing to it and stays.
 * (kubernetes: third_party/forked/golang/expansion/expand.go)
 */
export function escapeExpansion(text: string): string {
  return text.includes('$') ? text.replace(/\$+(?=\()|\${2,}/g, (run) => run + run) : text;
}

const REFERENCE = /\$\$|\$\(([^)]*)\)/g;

/**
 * A word of an exec probe, so that the kubelet's expansion of the container's arguments gives what its expansion of the
 * probe gave. A probe knows only variables with a literal `value` (kubernetes: ExpandContainerCommandOnlyStatic); others
 * stay text. The value itself is never copied: it may be a secret (W9).
 * @returns undefined when the value would not survive inside the JSON array that the condition is written as
 */
export function staticExpansion(word: string, raw: JsonRecord): string | undefined {
  if (!word.includes('$')) return word;
  let safe = true;
  const text = word.replace(REFERENCE, (reference: string, name: string | undefined) => {
    if (name === undefined) return reference;
    const value = literalVariable(raw, name);
    if (value === undefined) return `$${reference}`;
    if (JSON.stringify(value) !== `"${value}"`) safe = false;
    return reference;
  });
  return safe ? text : undefined;
}

function literalVariable(raw: JsonRecord, name: string): string | undefined {
  const env = member(raw, 'env');
  if (!Array.isArray(env)) return undefined;
  for (let i = env.length - 1; i >= 0; i--) {
    const variable: unknown = env[i];
    if (!isRecord(variable) || member(variable, 'name') !== name) continue;
    const value = member(variable, 'value');
    return typeof value === 'string' ? value : undefined;
  }
  return undefined;
}
