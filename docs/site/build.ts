/** `npm run docs`: the site, from the repository's Markdown. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ArgumentError, runProgram, wholeNumber } from '../../test/arguments.ts';
import { problemsOf } from './check.ts';
import { serve } from './serve.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'dist/docs');
const VITEPRESS = join(import.meta.dirname, 'node_modules/vitepress/bin/vitepress.js');

/** VitePress' esbuild does not know the language that the repository's tsconfig.json names, and needs not. */
const OLD_TARGET = /^.*Unrecognized target environment[^╵]*╵.*$/m;

const USAGE = `usage: npm run docs [-- OPTION...]

Builds the site from README.md, docs/ and the other documents into dist/docs. A link that leads nowhere, and anything
that a page would load from elsewhere, fails it.

  --base PATH    the path under which the site will be served, as in --base /curfew/ (default /)
  --serve PORT   serve it on 127.0.0.1 afterwards, until control-C; 0 is any free port
  --help         this text
`;

interface Options {
  base: string;
  /** The port to serve on; undefined: do not serve. */
  port: number | undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { base: { type: 'string' }, serve: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const options: Options = {
    base: parseBase(values.base ?? '/'),
    port: values.serve === undefined ? undefined : wholeNumber('serve', values.serve),
  };
  return (await build(options.base)) ? await afterwards(options) : 1;
}

/** @throws {ArgumentError} where it is no path with a slash at both ends */
function parseBase(text: string): string {
  if (/^\/(?:[\w.~-]+\/)*$/.test(text)) return text;
  throw new ArgumentError(`--base ${text}: a path with a slash at both ends, as in --base /curfew/`);
}

/** Build and check. @returns whether all is well; what is not stands on standard error */
async function build(base: string): Promise<boolean> {
  if (!existsSync(VITEPRESS)) throw new ArgumentError('VitePress is not installed: test/setup docs');
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [VITEPRESS, 'build'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { ...process.env, CURFEW_DOCS_BASE: base },
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    console.error(
      `${stdout}${stderr.replace(OLD_TARGET, '')}docs/site/build.ts: VitePress failed; its output stands above`,
    );
    return false;
  }
  const files = globSync('**/*', { cwd: FOLDER });
  const texts = files.filter((path) => /\.(html|css)$/.test(path));
  const content = new Map(texts.map((path) => [path, readFileSync(join(FOLDER, path), 'utf8')]));
  const problems = problemsOf(content, new Set(files), base);
  for (const problem of problems) console.error(`docs/site/build.ts: ${problem}`);
  if (problems.length > 0) return false;
  const pages = texts.filter((path) => path.endsWith('.html')).length;
  console.log(`dist/docs: ${pages} pages, for a host of static files that serves them under ${base}`);
  return true;
}

async function afterwards({ base, port }: Options): Promise<number> {
  if (port === undefined) {
    console.log('npm run docs -- --serve 8000 also shows them on this machine');
    return 0;
  }
  const { url } = await serve(FOLDER, base, port).catch((error: Error) => {
    throw new ArgumentError(`--serve ${port}: ${error.message}`);
  });
  console.log(`${url}  (control-C ends it)`);
  return 0;
}

await runProgram('docs/site/build.ts', main);
