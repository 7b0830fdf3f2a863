/** How a release is pushed: what oras is asked for. Whole pushes are in release.release.ts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pushRelease } from '../../release/push.ts';

/** A release with one image, and an oras that writes down what it is asked for and ends with a code. */
function setUp(t: TestContext, code = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-push@:'));
  t.after(() => rmSync(folder, { recursive: true }));
  const layout = join(folder, 'oci', 'curfew');
  mkdirSync(layout, { recursive: true });
  const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
  const manifests = [
    { digest: digest('a') },
    { digest: digest('b'), annotations: { 'org.opencontainers.image.ref.name': '1.2.3' } },
  ];
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ manifests }));
  const [oras, seen] = [join(folder, 'oras'), join(folder, 'seen')];
  const script = `#!/bin/sh\necho "$HELPER $COSIGN_REPOSITORY $*" >>'${seen}'\necho 'it says no' >&2\nexit ${code}\n`;
  writeFileSync(oras, script, { mode: 0o755 });
  return { folder, layout, oras, digest, lines: () => readFileSync(seen, 'utf8').trimEnd().split('\n') };
}

for (const plainHttp of [true, false])
  test(`what has a tag and what has none is copied by its digest, ${plainHttp ? 'without' : 'with'} TLS on any host`, (t) => {
    const { folder, layout, oras, digest, lines } = setUp(t);
    process.env.HELPER = 'helped';
    process.env.COSIGN_REPOSITORY = 'elsewhere';
    try {
      pushRelease({ folder, registry: 'localhost:5000/team', plainHttp, oras });
    } finally {
      delete process.env.HELPER;
      delete process.env.COSIGN_REPOSITORY;
    }
    const copy = `helped  cp --no-tty --from-oci-layout --to-plain-http=${plainHttp} ${layout}@`;
    assert.deepEqual(lines(), [
      `${copy}${digest('a')} localhost:5000/team/curfew`,
      `${copy}${digest('b')} localhost:5000/team/curfew:1.2.3`,
    ]);
  });

test('a registry that refuses is named, with the ways in', (t) => {
  const { folder, oras } = setUp(t, 1);
  assert.throws(
    () => pushRelease({ folder, registry: 'localhost:5000/team', plainHttp: false, oras }),
    /^Error: localhost:5000\/team\/curfew cannot be pushed: it says no\nCredentials: .* --plain-http\. .* SSL_CERT_FILE$/,
  );
});
