/** What a release is made from: the tag that is checked out, in a tree that may belong to another user. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkOut, filesUnderGit, readSource } from '../../release/source.ts';

const folder = mkdtempSync(join(tmpdir(), 'curfew-source-'));
after(() => rmSync(folder, { recursive: true }));

/** A commit of a version, without a tag. */
function tree(name: string, version: string) {
  const path = join(folder, name);
  mkdirSync(path);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], {
      cwd: path,
      encoding: 'utf8',
    });
  writeFileSync(join(path, 'package.json'), JSON.stringify({ version }));
  writeFileSync(join(path, '.gitignore'), 'ignored\n');
  writeFileSync(join(path, 'ignored'), '');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--no-gpg-sign', '--message', 'one');
  return { path, git };
}

const isRoot = process.getuid?.() === 0;

test('R1 a tree of another user is released too, as a CI has it in a container', { skip: !isRoot }, () => {
  const { path, git } = tree('another', '1.2.3');
  git('tag', 'v1.2.3');
  for (const owned of [path, join(path, '.git')]) chownSync(owned, 65_534, 65_534);
  assert.equal(readSource(path).version, '1.2.3');
  assert.deepEqual(filesUnderGit(path), ['.gitignore', 'package.json']);
  checkOut(path, readSource(path), join(folder, 'checked-out'));
});

test('R1 what is not, unchanged, the tag of its own version is not released, and what to do is said', () => {
  const { path, git } = tree('untagged', '1.2.3');
  assert.throws(
    () => readSource(path),
    /no tag v1\.2\.3 is on .*"git checkout v1\.2\.3" goes to the tag; "git tag v1\.2\.3" \(-s signs it\) makes it/,
  );
  git('tag', 'v1.2.2');
  assert.throws(() => readSource(path), /package\.json says 1\.2\.3, and no tag v1\.2\.3/);
  git('tag', 'v1.2.3');
  assert.equal(readSource(path).commit, git('rev-parse', 'HEAD').trim());
  writeFileSync(join(path, 'new'), '');
  assert.throws(() => readSource(path), /these files differ:\n\?\? new\nCommit them/);
  rmSync(join(path, '.git'), { recursive: true });
  assert.throws(() => readSource(path), /untagged is no clone/);
});
