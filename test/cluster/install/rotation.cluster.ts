/** Certificates that last seconds are rotated again and again under load, without an error. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { INJECTED, restrictedNamespace } from './confined.ts';
import { reviewDirectly } from './direct-review.ts';
import { Load } from './load.ts';
import { Release } from './release.ts';

/** The number of certificates that must have been rotated. */
const ROTATIONS = Number(process.env.CURFEW_ROTATIONS ?? 60);
/** A certificate's lifetime. It is renewed after two thirds of it, and each replica has the last third to load the new one. */
const LIFETIME = 3;
const AUTHORITY_LIFETIME = 30;
const PER_SECOND = 20;
/** The time between two reviews of the test's own, in milliseconds: about twenty for each certificate. */
const PAUSE = 100;

after(() => Release.removeAll());

const timeout = 300_000 + ROTATIONS * 2 * LIFETIME * 1000;
test(`${ROTATIONS} certificates under load: no review and no handshake fails`, { timeout }, async (t) => {
  const curfew = await Release.install(
    ...['--set-string', `config.tls.selfManaged.lifetime=${LIFETIME}s`],
    ...['--set-string', `config.tls.selfManaged.caLifetime=${AUTHORITY_LIFETIME}s`],
  );
  const serverName = `${curfew.name}.${curfew.namespace}.svc`;
  const replicas = await curfew.replicas();
  assert.equal(replicas.length, 2);
  const ns = await restrictedNamespace(t, 'load', INJECTED);
  const load = new Load(ns.name, PER_SECOND);
  const [certificates, authorities] = [new Set<string>(), new Set<string>()];
  const failures: string[] = [];
  let reviews = 0;
  try {
    while (certificates.size <= ROTATIONS) {
      const trusted = await curfew.authorities();
      for (const authority of trusted.split(/(?<=-----END CERTIFICATE-----\n)/)) authorities.add(authority);
      for (const { ip } of replicas) {
        reviews++;
        await reviewDirectly(ip, serverName, trusted).then(
          (fingerprint) => certificates.add(fingerprint),
          (error: Error) => failures.push(`${new Date().toISOString()} ${ip}: ${error.message}`),
        );
      }
      assert.ok(failures.length <= ROTATIONS, failures.slice(0, 5).join('\n'));
      await delay(PAUSE);
    }
  } finally {
    await load.stop();
    const { injected, refusals } = load.outcome;
    t.diagnostic(`${certificates.size - 1} rotations, ${authorities.size} authorities`);
    t.diagnostic(`${reviews} reviews with a handshake each, ${failures.length} failed`);
    t.diagnostic(`${injected} pods injected, ${refusals.length} attempts refused`);
    for (const text of new Set(refusals)) t.diagnostic(`refused: ${text}`);
  }
  const { asked, injected, uninjected, refusals } = load.outcome;
  assert.deepEqual(failures, []);
  assert.deepEqual(refusals, []);
  assert.equal(uninjected, 0);
  assert.equal(injected, asked);
  assert.ok(authorities.size > 1, 'the authority has been exchanged too');
  const restarts = 'jsonpath={.items[*].status.containerStatuses[0].restartCount}';
  assert.equal(await curfew.kubectl('get', 'pods', '-o', restarts), '0 0');
});
