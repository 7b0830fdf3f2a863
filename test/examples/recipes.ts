/** The recipes of `examples/`: what their README says of them, their manifests, and what `curfew explain` says of those. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { curfew } from '../webhook/commands/test-terminal.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const EXAMPLES = join(ROOT, 'examples');
/** What the images run: in place of the look-ups that the webhook makes on a cluster. */
export const IMAGES_FILE = join(EXAMPLES, 'images.yaml');
/** The demo's folder. It is no recipe. */
export const DEMO = 'database-migration';

/** How a pod's sidecars come to end. */
export type Mode = 'shim' | 'native';

/** A line of README.md's table. Its cells begin with one of a few words, and go on for people. */
export interface Row {
  name: string;
  /** What becomes of the pod where nothing is done: it hangs, it ends by itself, or its controller deletes it. */
  without: 'hangs' | 'ends' | 'is deleted';
  /** Annotations to add, besides the namespace's label: `key: value`. */
  add: readonly string[];
  works: Readonly<Record<Mode, boolean>>;
}

/** One folder of `examples/`. */
export interface Recipe extends Row {
  folder: string;
  /** Files with pods, as they are explained, the maker's first: what explain.txt holds. */
  files: readonly string[];
  /** The file that runs: the pod as its controller and the injectors have made it, where others make it. */
  runs: string;
}

/** The part of `explain -o json` that is looked at. */
const EXPLAINED = z.object({
  pods: z.tuple([
    z.object({
      outcome: z.enum(['wrapped', 'converted', 'unchanged', 'refused']),
      reason: z.string(),
      mode: z.enum(['shim', 'native']).nullable(),
      message: z.string(),
      warnings: z.array(z.string()),
      containers: z.array(
        z.object({ name: z.string(), role: z.enum(['main', 'sidecar']), ready: z.string().nullable() }),
      ),
    }),
  ]),
});
export type Explained = z.output<typeof EXPLAINED>['pods'][0];

/** The end of a line that the manifest's maker does not write. */
const ADDED = / # added\b.*$/;

/** The table of examples/README.md. @throws where a cell begins with a word that is not known */
export function readTable(text: string): Row[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| ['));
  return lines.map((line) => {
    const [, recipe = '', without = '', add = '', shim = '', native = ''] = line
      .split(' | ')
      .join('|')
      .split('|');
    const name = /^ ?\[[^\]]*\]\(([a-z-]+)\/?\)/.exec(recipe)?.[1];
    const fate = /^(hangs|ends|is deleted)\b/.exec(without)?.[1];
    if (name === undefined || (fate !== 'hangs' && fate !== 'ends' && fate !== 'is deleted'))
      throw new Error(`examples/README.md: not a recipe's line: ${line}`);
    const annotations = [...add.matchAll(/`([^`]+)`/g)].map(([, annotation = '']) => annotation);
    return {
      name,
      without: fate,
      add: annotations,
      works: { shim: doesWork(shim), native: doesWork(native) },
    };
  });
}

function doesWork(cell: string): boolean {
  if (/^works\b/.test(cell)) return true;
  if (/^does not work: \w/.test(cell)) return false;
  throw new Error(
    `examples/README.md: a cell says neither "works" nor "does not work: " with the reason: ${cell}`,
  );
}

/** All recipes, in the table's order. */
export function readRecipes(): Recipe[] {
  return readTable(readFileSync(join(EXAMPLES, 'README.md'), 'utf8')).map((row) => {
    const folder = join(EXAMPLES, row.name);
    const files = ['job.yaml', 'cronjob.yaml', 'pod.yaml'].filter((file) => existsSync(join(folder, file)));
    const runs = files.at(-1);
    if (runs === undefined) throw new Error(`${folder} has no job.yaml, cronjob.yaml or pod.yaml`);
    return { ...row, folder, files, runs };
  });
}

/** A file of a recipe. @param asMade without the lines that are added for Curfew */
export function textOf({ folder }: Recipe, file: string, asMade = false): string {
  const text = readFileSync(join(folder, file), 'utf8');
  return asMade
    ? text
        .split('\n')
        .filter((line) => !ADDED.test(line))
        .join('\n')
    : text;
}

/** The annotations that are added in a file, each once. */
export function addedIn(recipe: Recipe, file: string): string[] {
  const lines = textOf(recipe, file)
    .split('\n')
    .filter((line) => ADDED.test(line));
  return lines
    .map((line) => line.replace(ADDED, '').trim())
    .filter((line) => !/^(metadata|annotations):$/.test(line));
}

/** The objects of a manifest, plain: without what YAML's anchors share. @throws where it is no YAML */
export function objectsOf(text: string): unknown[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return JSON.parse(JSON.stringify(document.toJS()));
  });
}

/** What the webhook would do with the one pod of a text. */
export async function explain(text: string, mode: Mode): Promise<Explained> {
  const { out, err } = await curfew(
    ['explain', '--config', IMAGES_FILE, '--mode', mode, '-o', 'json', '-f', '-'],
    text,
  );
  if (err !== '') throw new Error(err);
  return EXPLAINED.parse(JSON.parse(out)).pods[0];
}

/** What a person sees who asks about each file in each mode: the text of explain.txt. */
export async function transcript(recipe: Recipe): Promise<string> {
  const parts: string[] = [];
  const flags = ['explain', '--config', IMAGES_FILE];
  const { folder, files, runs } = recipe;
  const path = (file: string) => join(folder, file);
  const tell = async (args: string[], asked: string, input = '') => {
    const { code, out, err } = await curfew([...flags, ...args], input);
    parts.push(`$ ${asked}\n${err}${out}${code === 0 ? '' : `(exit code ${code})\n`}`);
  };
  if (addedIn(recipe, runs).some((line) => line.includes('curfew.dev/')))
    await tell(
      ['-f', '-'],
      `grep -v '# added' ${path(runs)} | curfew ${flags.join(' ')} -f -`,
      textOf(recipe, runs, true),
    );
  for (const file of files) await tell(['-f', path(file)], `curfew ${flags.join(' ')} -f ${path(file)}`);
  await tell(
    ['--mode', 'native', '-f', path(runs)],
    `curfew ${flags.join(' ')} --mode native -f ${path(runs)}`,
  );
  return parts.join('\n').replaceAll(`${ROOT}/`, '');
}

/** The folders of `examples/` with a manifest in them, but for the demo's. */
export function foldersWithManifests(): string[] {
  const folders = globSync('*/*', { cwd: EXAMPLES }).map((path) => path.slice(0, path.indexOf('/')));
  return [...new Set(folders)].filter((name) => name !== DEMO).sort();
}
