/** The table of Kubernetes' own cases (docs/conformance.md) and the tests that it names (test/cluster/lifecycle). */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const CONVERTED = ['as natively', 'cannot be written'];
const VERDICTS = ['kept', 'kept with a difference', 'does not apply'];

interface Row {
  numbers: string[];
  verdict: string;
  /** What Kubernetes' own sidecars were seen to do; empty where there is no test. */
  natively: string;
  /** What ordinary sidecars do that Curfew made native ones. */
  converted: string;
  why: string;
  files: string[];
}

/** Every line of a table whose first cell is a number, or `K7 to K9`: | K7 | Kubernetes' case | verdict | natively | converted | why | `file` | */
const rows = readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| K\d/.test(line))
  .map((line): Row => {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, number = '', , verdict = '', natively = '', converted = '', why = '', files = ''] = cells;
    assert.equal(cells.length, 9, `a row has seven cells: ${line}`);
    return {
      numbers: numbersOf(number),
      verdict,
      natively,
      converted,
      why,
      files: [...files.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    };
  });

/** 'K7', 'K7 K8', 'K7 to K9': each number. */
function numbersOf(text: string): string[] {
  const words = text.trim().split(' ');
  return words.flatMap((word, index) => {
    if (word !== 'to') return [word];
    const [from = 0, to = 0] = [words[index - 1], words[index + 1]].map((end) => Number(end?.slice(1)));
    return Array.from({ length: Math.max(to - from - 1, 0) }, (_, n) => `K${from + 1 + n}`);
  });
}

/** The numbers that the titles of a file's tests begin with. */
function numbersIn(text: string): Set<string> {
  const runs = [...text.matchAll(/['"`]((?:K\d+(?: to)? ?)+)/g)];
  return new Set(runs.flatMap(([, run = '']) => numbersOf(run)));
}

const tests = new Map(
  globSync('test/cluster/lifecycle/*.cluster.ts', { cwd: ROOT }).map((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [basename(file), { text, numbers: numbersIn(text) }] as const;
  }),
);

test('every number stands once in the table, with a verdict and what it rests on', () => {
  assert.ok(rows.length > 0);
  const seen = new Set<string>();
  for (const { numbers, verdict, natively, converted, why, files } of rows) {
    for (const number of numbers) {
      assert.match(number, /^K\d+$/);
      assert.ok(!seen.has(number), `${number} stands there twice`);
      seen.add(number);
    }
    const [number] = numbers;
    assert.ok(VERDICTS.includes(verdict), `${number}: ${verdict}`);
    assert.ok(verdict === 'kept' || why !== '', `${number} is ${verdict}, and nothing says why`);
    assert.equal(natively === '', files.length === 0, `${number} natively: ${natively}`);
    assert.ok(natively === '' ? converted === '' : CONVERTED.includes(converted), `${number}: ${converted}`);
    assert.equal(
      files.length === 0,
      verdict === 'does not apply',
      `${number} is ${verdict}: ${files.join(', ')}`,
    );
  }
});

test('every case that is kept has a test with its number in each file that its row names', () => {
  for (const { numbers, files } of rows)
    for (const file of files)
      for (const number of numbers)
        assert.ok(
          tests.get(file)?.numbers.has(number),
          `${file} has no test whose title begins with ${number}`,
        );
});

test('every test of a case has its row', () => {
  for (const [file, { text, numbers }] of tests) {
    assert.doesNotMatch(text, /bothWays\(\s*['"`](?!K\d|\$\{)/, `${file} has a test without a number`);
    assert.ok(numbers.size > 0, `${file} has no number`);
    for (const number of numbers) {
      const named = rows.some((row) => row.numbers.includes(number) && row.files.includes(file));
      assert.ok(named, `no row ${number} names ${file}`);
    }
  }
});
