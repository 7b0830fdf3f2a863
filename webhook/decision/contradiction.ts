import { parseReadiness } from '../../shim/protocol.ts';
import { type JsonRecord, member } from '../shared/json.ts';
import type { ContainerDetails } from './container.ts';
import type { KnownSidecar } from './known-sidecar.ts';
import { type ProbeHandler, resolvePort } from './probe.ts';
import type { SaidReadiness } from './said-readiness.ts';
import { containerKey, READY } from './vocabulary.ts';

/**
 * A known sidecar's own probe, which counts, and its flags or environment, which say something else of the same endpoint. Without us
 * such a probe only keeps the pod unready, which nobody sees of a Job; the mains wait for it.
 */
export function warnOfContradiction(
  name: string,
  raw: JsonRecord,
  details: ContainerDetails,
  handler: ProbeHandler,
  known: KnownSidecar | undefined,
  said: SaidReadiness,
  warn: (text: string) => void,
): void {
  const standard = known?.ready === undefined ? undefined : parseReadiness(known.ready);
  if (handler.kind !== 'http' || standard?.kind !== 'http') return;
  const port = resolvePort(handler.port, details.ports);
  if (port === undefined) return;
  const probe = details.startupProbe === undefined ? 'readinessProbe' : 'startupProbe';
  const asks = `sidecar ${name}: its ${probe} asks port ${port}`;
  const wait = `mains wait for the probe; set ${containerKey(READY, name)} if it is wrong`;
  const isSame = port === standard.port || handler.path === standard.path;
  if (said.kind === 'known' && said.moved !== undefined && said.ready.kind === 'http') {
    if (isSame && port !== said.ready.port)
      warn(`${asks}, and ${said.moved} says ${said.ready.port}: ${wait}`);
    return;
  }
  // What comes from a ConfigMap may have opened it.
  if (
    said.kind === 'off' &&
    said.onlyWith !== undefined &&
    port === standard.port &&
    member(raw, 'envFrom') === undefined
  )
    warn(`${asks}, where it answers only with ${said.onlyWith[0]}: ${wait}`);
}
