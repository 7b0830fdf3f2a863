/** Replicas that look after their certificate at a fake API server, and what can be seen of them. */
import { X509Certificate } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Clocks } from '../../../webhook/certificate/reconciler.ts';
import {
  SelfManagedCertificate,
  type SelfManagedListener,
} from '../../../webhook/certificate/self-managed.ts';
import { connectKubernetes } from '../../../webhook/kubernetes/client.ts';
import type { FakeApiServer } from '../kubernetes/fake-api-server.ts';

const DAY = 24 * 3_600_000;

/** A replica's certificate, and the calls of its listener. */
export interface Replica {
  certificate: SelfManagedCertificate;
  told: string[];
}

async function replicaOf(t: TestContext, api: FakeApiServer, deadline = 2_000): Promise<Replica> {
  const told: string[] = [];
  const tell =
    (what: string) =>
    (...words: unknown[]) => {
      told.push(
        `${what} ${words.map((word) => (word instanceof Error ? word.message : String(word))).join(' ')}`,
      );
      api.notice();
    };
  const listener: SelfManagedListener = {
    loaded: tell('loaded'),
    failed: tell('failed'),
    secretWritten: tell('wrote'),
    caBundleWritten: tell('trusted'),
    authority: tell('authority'),
    failure: tell('failure'),
    recovered: tell('recovered'),
    configurationRead: ({ found, contested }) =>
      tell('configuration')(`found: ${found}, contested: ${contested}`),
    watchFailed: tell('watchFailed'),
    unexpected: tell('unexpected'),
  };
  // Twenty times as fast as the machine's clock, so the settling time of two seconds is over soon.
  const clocks: Clocks = { now: Date.now, monotonic: () => performance.now() * 20 };
  const certificate = new SelfManagedCertificate(
    await connectKubernetes(api.env, undefined, deadline),
    {
      namespace: 'curfew',
      secret: 'curfew-tls',
      webhookConfiguration: 'curfew',
      spec: { names: ['curfew.curfew.svc'], lifetime: DAY, caLifetime: 30 * DAY, jitter: 0 },
    },
    listener,
    clocks,
  );
  t.after(() => certificate.stop());
  return { certificate, told };
}

/** A replica that reconciles and watches until the test ends. */
export async function started(t: TestContext, api: FakeApiServer, deadline?: number): Promise<Replica> {
  const replica = await replicaOf(t, api, deadline);
  await replica.certificate.check();
  replica.certificate.start();
  return replica;
}

export const isReady = ({ certificate }: Replica) => certificate.unready() === undefined;
export const servedBy = ({ certificate }: Replica) => certificate.current?.fingerprint;
/** Whether every webhook's caBundle holds the authority of the leaf that the replica serves. */
export function bundleTrusts(api: FakeApiServer, { certificate }: Replica): boolean {
  const leaf = new X509Certificate(certificate.current?.cert ?? '');
  const bundles = [...(api.bundles?.values() ?? [])];
  const trusts = (text: string) =>
    text.split(/(?<=-----END CERTIFICATE-----\n)/).some((cert) => {
      try {
        return leaf.verify(new X509Certificate(cert).publicKey);
      } catch {
        return false;
      }
    });
  return bundles.length > 0 && bundles.every(trusts);
}
