import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseReadiness } from '../../../shim/protocol.ts';
import { parseSignal } from '../../../shim/signals.ts';
import { CATALOGUE } from '../../../webhook/decision/catalogue.ts';
import { imageRepository, knownSidecar } from '../../../webhook/decision/known-sidecar.ts';
import { isContainerName } from '../../../webhook/decision/pod.ts';

describe('the catalogue', () => {
  for (const known of CATALOGUE)
    test(`V2 ${known.images[0]} is well written and found`, () => {
      assert.ok(known.names.length > 0 && known.names.every(isContainerName));
      for (const name of known.names)
        for (const image of known.images)
          assert.equal(knownSidecar(CATALOGUE, name, `registry.example:5000/mirror/${image}:1.2.3`), known);
      if (known.ready !== undefined) assert.ok(parseReadiness(known.ready));
      if (known.stopSignal !== undefined) assert.ok(parseSignal(known.stopSignal));
      if (known.cmd !== undefined) assert.ok(known.entrypoint);
    });
});

test('V2 an image’s repository is told from its tag, digest and registry port', () => {
  for (const [image, repository] of [
    ['proxyv2', 'proxyv2'],
    ['istio/proxyv2:1.2', 'istio/proxyv2'],
    ['localhost:5000/proxyv2', 'localhost:5000/proxyv2'],
    ['localhost:5000/proxyv2:1@sha256:00', 'localhost:5000/proxyv2'],
    ['', ''],
  ])
    assert.equal(imageRepository(image ?? ''), repository);
});
