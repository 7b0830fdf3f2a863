/**
 * `curfew __complete -- WORD...`: what the completion functions of the shells ask at each tab. Each candidate is a line, with a tab before its
 * meaning; the last line begins with a colon and says whether file names fit too. It never fails: a shell that asks has no use for an error.
 */
import type { Reader } from '../kubernetes/reader.ts';
import { type Completed, candidates } from './completion-words.ts';
import { printable, type Terminal } from './terminal.ts';

/** A person waits for it. */
const PATIENCE_MS = 3_000;
const MOST_NAMES = 500;

/** @param args `[--kubectl] -- WORD...` */
export async function complete(
  args: readonly string[],
  commands: ReadonlyMap<string, Completed>,
  terminal: Terminal,
): Promise<number> {
  const forKubectl = args[0] === '--kubectl';
  // bash makes a word of its own of the = in --flag=value.
  const words = args.slice(args.indexOf('--') + 1).filter((word) => word !== '=');
  const { words: found, names, files } = candidates(words, commands);
  const named = names === undefined ? [] : await namesOf(names, words);
  for (const { word, help } of [...found, ...named])
    terminal.print(`${printable(word)}\t${printable(help)}\n`);
  // Cobra's directives: 4 is no file names, 0 is that they fit.
  if (forKubectl) terminal.print(files ? ':0\n' : ':4\n');
  else terminal.print(files ? ':files\n' : ':words\n');
  return 0;
}

async function namesOf(
  kind: 'namespace' | 'context' | 'object',
  words: readonly string[],
): Promise<{ word: string; help: string }[]> {
  const current = words.at(-1) ?? '';
  const found: { word: string; help: string }[] = [];
  const late = AbortSignal.timeout(PATIENCE_MS);
  const patience = new Promise<void>((resolve) =>
    late.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([ask(kind, words, found).catch(() => {}), patience]);
  return found.filter(({ word }) => word.startsWith(current));
}

/** @param found gets what is known so far */
async function ask(
  kind: 'namespace' | 'context' | 'object',
  words: readonly string[],
  found: { word: string; help: string }[],
): Promise<void> {
  const kubeconfig = valueBefore(words, '--kubeconfig');
  if (kind === 'context') {
    const { contextNames } = await import('../kubernetes/kubeconfig.ts');
    found.push(...contextNames(kubeconfig).map((word) => ({ word, help: '' })));
    return;
  }
  const { CRON_JOBS, JOBS, NAMESPACES, PODS, readCluster } = await import('../kubernetes/reader.ts');
  const cluster = readCluster({ kubeconfig, context: valueBefore(words, '--context') });
  if (kind === 'namespace') return take(cluster.list(NAMESPACES), '', 'namespace', found);
  const namespace = valueBefore(words, '--namespace') ?? valueBefore(words, '-n') ?? cluster.namespace;
  await Promise.all([
    take(cluster.list(PODS, namespace), '', 'pod', found),
    take(cluster.list(JOBS, namespace), 'job/', 'Job', found).catch(() => {}),
    take(cluster.list(CRON_JOBS, namespace), 'cronjob/', 'CronJob', found).catch(() => {}),
  ]);
}

async function take(
  objects: ReturnType<Reader['list']>,
  prefix: string,
  help: string,
  found: { word: string; help: string }[],
): Promise<void> {
  let count = 0;
  for await (const { metadata } of objects) {
    if (typeof metadata !== 'object' || metadata === null || !('name' in metadata)) continue;
    found.push({ word: `${prefix}${String(metadata.name)}`, help });
    if (++count >= MOST_NAMES) return;
  }
}

/** The value of a flag that stands before the cursor. */
function valueBefore(words: readonly string[], flag: string): string | undefined {
  const at = words.lastIndexOf(flag, -2);
  if (at >= 0 && at < words.length - 2) return words[at + 1];
  return words.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
