import { CREDENTIAL_SIDECARS } from './catalogue-credentials.ts';
import { DATABASE_SIDECARS } from './catalogue-databases.ts';
import type { CataloguedSidecar } from './catalogue-entry.ts';
import { NETWORK_SIDECARS } from './catalogue-network.ts';
import { TELEMETRY_SIDECARS } from './catalogue-telemetry.ts';

/**
 * The sidecars that Curfew knows by name and image; `npm run generate` writes docs/reference/known-sidecars.md from them. To add one: an
 * entry in the file of its kind, with only such facts as its injector, its documentation or its Dockerfile states, and its source. Leave
 * out what varies: a sidecar's own probes and the command in its spec serve as well, and an image can be looked up. A vendor's build gets
 * the entrypoint of the original only where the vendor's Dockerfile says the same. A readiness endpoint stands there only where it is
 * sure to answer: one that does not makes every pod wait for ever.
 *
 * Only a container belongs here that would run for ever beside a main that ends. One that ends by itself after the main, because its
 * controller tells it to (Airflow's XCom sidecar), is a main to Curfew: the sidecars then stay until it has ended too.
 *
 * Orders: 10 network, 20 credentials, 30 databases, 40 what logs and measures.
 */
export const CATALOGUE: readonly CataloguedSidecar[] = [
  ...NETWORK_SIDECARS,
  ...CREDENTIAL_SIDECARS,
  ...DATABASE_SIDECARS,
  ...TELEMETRY_SIDECARS,
];
