/** A clone of this working tree, as it is now, with the tag of its version: what a release is made from. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesUnderGit, versionOf } from '../../release/source.ts';

const PROJECT = join(import.meta.dirname, '..', '..');

/** One author and one time, so that two clones of one tree are one commit. */
const COMMITTER = {
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@localhost',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@localhost',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
};

/**
 * Make it.
 * @param folder must not exist
 * @param tagged whether the commit gets its tag
 */
export function taggedClone(folder: string, tagged = true): void {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: folder, env: { ...process.env, ...COMMITTER }, encoding: 'utf8' });
  mkdirSync(folder, { recursive: true });
  for (const file of filesUnderGit(PROJECT)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(PROJECT, file), join(folder, file));
  }
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--no-gpg-sign', '--message', 'as it is');
  if (tagged) git('tag', `v${versionOf(folder)}`);
  // So that test/setup need not fetch them again: in an ignored folder, as links where that can be.
  const copy = 'cp -al "$1" "$2" 2>/dev/null || { rm -rf "$2"; cp -a "$1" "$2"; }';
  execFileSync('bash', ['-c', copy, 'bash', join(PROJECT, 'node_modules'), join(folder, 'node_modules')]);
}

/**
 * Run an npm script of a clone. It is waited for without blocking, so that a registry of the test's own can be used meanwhile.
 * @returns its output and its exit code
 */
export function npmRun(
  folder: string,
  script: string,
  args: readonly string[],
  { umask = '022', env = {} }: { umask?: string; env?: Record<string, string> } = {},
): Promise<{ code: number; output: string }> {
  const command = `umask ${umask}; exec npm run --silent "$@" 2>&1`;
  const child = spawn('bash', ['-c', command, 'bash', script, '--', ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Take a clone away. */
export function removeClone(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
