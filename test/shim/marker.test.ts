/** What is read from the rendezvous is parsed with bounds: any container of the pod may have written it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMarker, MARKER_SIZE, type Marker, parseMarker } from '../../shim/marker.ts';

const MARKER: Marker = {
  attempt: 2,
  epoch: 'e1',
  phase: 'ended',
  code: 7,
  final: true,
  killedIsFinal: false,
  stopping: false,
  stopDoubt: 60_000,
};

test('a marker is read back as it was written, always of one size', () => {
  assert.equal(formatMarker(MARKER).length, MARKER_SIZE);
  assert.deepEqual(parseMarker(formatMarker(MARKER)), MARKER);
});

test('a marker of which one value is from another write is none', () => {
  const other: Marker = {
    attempt: 3,
    epoch: 'e2',
    phase: 'waiting',
    code: 8,
    final: false,
    killedIsFinal: true,
    stopping: true,
    stopDoubt: 60_001,
  };
  for (const [key, value] of Object.entries(other)) {
    const [whole, torn] = [MARKER, { ...MARKER, [key]: value }].map((fields) => JSON.stringify(fields));
    const text = formatMarker(MARKER).replace(whole ?? '', torn ?? '');
    assert.ok(text.includes(JSON.stringify(value)), text);
    assert.equal(parseMarker(text), undefined, key);
  }
});

test('L19 a marker that no shim would write is none', () => {
  const forged: Partial<Marker>[] = [
    { code: 256 },
    { code: -1 },
    { code: 1.5 },
    { attempt: 1e300 },
    { epoch: 'e'.repeat(33) },
  ];
  for (const part of forged) {
    const text = formatMarker({ ...MARKER, ...part });
    assert.equal(parseMarker(text), undefined, JSON.stringify(part));
  }
  assert.equal(parseMarker(formatMarker({ ...MARKER, stopDoubt: 1e12 }))?.stopDoubt, 300_000);
});
