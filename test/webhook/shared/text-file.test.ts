/** Files that a user names: bounded in size, with a clear message where they cannot be read. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readTextFile } from '../../../webhook/shared/text-file.ts';
import { curfew } from '../commands/test-terminal.ts';

async function folderOf(t: TestContext, files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'curfew-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

test('a file is read up to its bound, without its byte order mark', async (t) => {
  const folder = await folderOf(t, { four: 'äöü', marked: '\uFEFFa', none: '' });
  assert.equal(await readTextFile(join(folder, 'four'), 6), 'äöü');
  assert.equal(await readTextFile(join(folder, 'marked'), 100), 'a');
  assert.equal(await readTextFile(join(folder, 'none'), 100), '');
  await assert.rejects(readTextFile(join(folder, 'four'), 5), /four is longer than 5 bytes$/);
});

test('an endless device is read up to the bound only', async () => {
  await assert.rejects(
    readTextFile('/dev/zero', 100_000),
    /^TextFileError: \/dev\/zero is longer than 100000/,
  );
});

const UTF16 = Buffer.from('\uFEFFkind: Pod\n', 'utf16le');

const FILES: [name: string, content: string | Buffer | undefined, message: RegExp][] = [
  ['none.yaml', undefined, /none\.yaml cannot be read \(ENOENT\): there is no such file/],
  ['utf16.yaml', UTF16, /utf16\.yaml is not UTF-8 text: it looks like UTF-16, .* save it as UTF-8/],
  ['utf16be.yaml', Buffer.from(UTF16).swap16(), /utf16be\.yaml is not UTF-8 text: it looks like UTF-16/],
  ['binary.yaml', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xc0]), /binary\.yaml is not UTF-8 text$/m],
];

for (const [name, content, message] of FILES)
  test(`as a manifest and as a configuration: ${name}`, async (t) => {
    const folder = await folderOf(t, {
      'good.yaml': 'a: 1\n',
      ...(content === undefined ? {} : { [name]: Buffer.from(content) }),
    });
    const [good, file] = [join(folder, 'good.yaml'), join(folder, name)];
    for (const args of [
      ['inject', '-f', file],
      ['explain', '-f', good, '--config', file],
      ['serve', '--config', file],
    ]) {
      const { code, out, err } = await curfew(args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, message);
    }
  });

const NAMES: [name: string, message: RegExp][] = [
  ['', /^curfew: "" cannot be read \(ENOENT\)/],
  [
    'https://x.example/a.yaml',
    /there is no such file; only files are read: curl ADDRESS \| curfew inject -f -$/m,
  ],
  ['*.yaml', /there is no such file; -f takes one file or folder, and may be given several times$/m],
];

for (const [name, message] of NAMES)
  test(`-f ${JSON.stringify(name)}: exit code 2 and a way out`, async () => {
    const { code, out, err } = await curfew(['inject', '-f', name]);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
  });
