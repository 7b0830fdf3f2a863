/**
 * `npm test`: every test under test/charts, test/docs, test/examples, test/release, test/shim and test/webhook, by Node's own runner. The cluster's tests and the
 * benchmark are scripts of their own.
 *
 * npm test -- mutate               the files with "mutate" in their path
 * npm test -- --test-name-pattern=W3   arguments that begin with - go to node --test
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const files = globSync('test/{charts,docs,examples,release,shim,webhook}/**/*.test.ts', { cwd: root })
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();
if (files.length === 0) {
  console.error(
    `test/run.ts: no test file matches ${filters.join(' ') || 'test/{charts,docs,examples,release,shim,webhook}/**/*.test.ts'}`,
  );
  process.exit(2);
}

const { status, signal, error } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    // The shim's tests mostly wait for processes, so a small machine runs one file more than it has cores.
    `--test-concurrency=${availableParallelism() + 1}`,
    // Nothing here takes that long: a test that hangs fails by name.
    '--test-timeout=120000',
    ...options,
    ...files,
  ],
  { cwd: root, stdio: 'inherit' },
);
if (error !== undefined) throw error;
process.exitCode = status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
