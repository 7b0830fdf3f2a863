/** A last word in a pipe: as many copies as a pod may have listeners, each read alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSpoken, parseSpoken, SPOKEN_COPIES, SPOKEN_SIZE } from '../../shim/spoken-word.ts';

test('L17 every copy of a spoken word is read back whole, and all are one write that no pipe tears', () => {
  const words = [
    { code: 255, final: false, stopping: true, stopDoubt: 300_000 },
    { code: 0, final: true, stopping: false, stopDoubt: 0 },
  ];
  for (const word of words) {
    const text = formatSpoken(word);
    assert.ok(SPOKEN_COPIES >= 127 && text.length === SPOKEN_COPIES * SPOKEN_SIZE && text.length <= 4_096);
    for (let at = 0; at < text.length; at += SPOKEN_SIZE)
      assert.deepEqual(parseSpoken(text.slice(at, at + SPOKEN_SIZE)), word);
  }
});

test('L18 what no shim would say is no word', () => {
  for (const text of [
    '',
    'cf',
    'cf 0',
    'cf 256 f-0',
    'cf -1 f-0',
    'cf 1.5 f-0',
    'cf 0 fs301',
    'cf  f-0',
    'cf 0 f-0 x',
    'xx 0 f-0',
  ])
    assert.equal(parseSpoken(text.padEnd(SPOKEN_SIZE)), undefined, text);
});
