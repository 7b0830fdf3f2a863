/** The workflows do what the scripts do, and nothing else. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import packageFile from '../../package.json' with { type: 'json' };

const FOLDER = join(import.meta.dirname, '..', '..', '.github', 'workflows');
const STEP = z.strictObject({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.string()).optional(),
});
const WORKFLOW = z.looseObject({
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(z.string(), z.looseObject({ steps: z.array(STEP) })),
});

const workflows = readdirSync(FOLDER).map((file) => ({
  file,
  text: readFileSync(join(FOLDER, file), 'utf8'),
}));
const stepsOf = (text: string) =>
  Object.values(WORKFLOW.parse(parse(text)).jobs).flatMap(({ steps }) => steps);

test('every action is pinned by its commit, with its version beside it', () => {
  for (const { file, text } of workflows)
    for (const line of text.split('\n').filter((item) => /\buses:/.test(item)))
      assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, file);
});

test("every command is one of the project's own scripts, and one command", () => {
  const scripts = new Set(Object.keys(packageFile.scripts));
  for (const { file, text } of workflows)
    for (const { run } of stepsOf(text).filter((step) => step.run !== undefined)) {
      const [, script = ''] = /^npm run ([\w:]+)( -- [^;&|\n]+)?$/.exec(run ?? '') ?? [];
      assert.ok(run === '.ci/run' || scripts.has(script), `${file}: ${run}`);
    }
});

test('no expression stands in a command, and a workflow reads only, but for a job that says more', () => {
  for (const { file, text } of workflows) {
    assert.deepEqual(WORKFLOW.parse(parse(text)).permissions, { contents: 'read' }, file);
    for (const { run = '' } of stepsOf(text)) assert.doesNotMatch(run, /\$\{\{/, file);
  }
});

test('the gate is what .ci/run is, and a release is made, checked and pushed in this order', () => {
  const commands = (file: string) =>
    stepsOf(workflows.find((workflow) => workflow.file === file)?.text ?? '').flatMap(
      ({ run }) => run?.split(' -- ')[0] ?? [],
    );
  assert.deepEqual(commands('ci.yml'), ['.ci/run']);
  assert.deepEqual(commands('release.yml'), [
    'npm run release',
    'npm run release:verify',
    'npm run release:push',
  ]);
});

test('no package runs a script of its own when it is installed: the step that signs has the key in its environment', () => {
  const setup = readFileSync(join(FOLDER, '..', '..', 'test', 'setup'), 'utf8');
  const build = readFileSync(join(FOLDER, '..', '..', 'release', 'build.ts'), 'utf8');
  for (const text of [setup, build]) assert.match(text, /\bci\b.{0,4}--ignore-scripts/);
});
