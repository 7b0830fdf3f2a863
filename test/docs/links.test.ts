/** Links between the documents, and to files of the repository, lead somewhere. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { anchorsOf, DOCUMENTS, linksOf, ROOT } from './documents.ts';

const links = [...DOCUMENTS].flatMap(([path, text]) => linksOf(path, text));

test('every link leads to a file or folder of the repository', () => {
  const broken = links.filter(({ from, target }) => {
    const [path = ''] = target.split('#', 1);
    return path !== '' && !existsSync(join(ROOT, dirname(from), path));
  });
  assert.deepEqual(
    broken.map(({ from, line, target }) => `${from}:${line} ${target}`),
    [],
    'Correct the path, which is from the document that the link stands in; where the file was moved, link to its new place',
  );
});

test('every anchor is that of a heading', () => {
  const broken = links.filter(({ from, target }) => {
    const [path = '', anchor] = target.split('#');
    if (anchor === undefined) return false;
    const document = path === '' ? from : normalize(join(dirname(from), path));
    return !anchorsOf(DOCUMENTS.get(document) ?? '').has(anchor);
  });
  assert.deepEqual(
    broken.map(({ from, line, target }) => `${from}:${line} ${target}`),
    [],
    'Write the anchor as its heading makes it: small letters, blanks as hyphens, no punctuation',
  );
});

test('every document can be reached from README.md', () => {
  const reached = new Set(['README.md']);
  for (const document of reached)
    for (const { from, target } of links)
      if (from === document) reached.add(normalize(join(dirname(from), target.split('#', 1)[0] || '.')));
  assert.deepEqual(
    [...DOCUMENTS.keys()].filter((path) => !reached.has(path)),
    [],
    'Link the document from one that README.md leads to, or delete it',
  );
});

test('anchors are made as GitHub makes them', () => {
  const text = "# A pod's start, and end\n## `curfew` [x](y)\n## Same\n## Same\n```\n# not a heading\n```\n";
  assert.deepEqual([...anchorsOf(text)], ['a-pods-start-and-end', 'curfew-x', 'same', 'same-1']);
});
