/** From when to when certificates are valid, when they are renewed, and when an expired authority may be removed. Pure. Milliseconds. */
import type { Authority } from './secret-state.ts';
import type { Validity } from './x509.ts';

/** A certificate is renewed when this part of its lifetime is left. A replica's jitter adds up to the second part. */
const RENEWAL = 1 / 3;
const JITTER = 0.03;

/**
 * How far clocks may differ: certificates are valid from this much earlier, and authorities are kept this much longer. An hour, or
 * less for short lifetimes.
 */
const tolerance = (lifetime: number) => Math.min(3_600_000, Math.ceil(lifetime / 10));

const lifetimeOf = ({ notBefore, notAfter }: Authority) => notAfter - notBefore;

/** A certificate for `lifetime` from now. In whole seconds, as a certificate has them, and not less than asked for. */
export function validityFrom(now: number, lifetime: number): Validity {
  const whole = (ms: number) => Math.floor(ms / 1000) * 1000;
  return { notBefore: whole(now - tolerance(lifetime)), notAfter: whole(now + lifetime + 999) };
}

/** Whether a certificate exists and has not expired. */
export function isAlive<T extends Authority>(certificate: T | undefined, now: number): certificate is T {
  return certificate !== undefined && now <= certificate.notAfter;
}

/** When an authority may be removed from the caBundle: by then no clock takes one of its leaves for valid. */
export function removableAfter(authority: Authority): number {
  return authority.notAfter + tolerance(lifetimeOf(authority));
}

/** Whether an authority may be removed from the caBundle. */
export function isRemovable(authority: Authority, now: number): boolean {
  return now > removableAfter(authority);
}

/**
 * Whether a certificate must be renewed: a third of its lifetime is left, or more than twice the lifetime that is configured now.
 * @param jitter from 0 to 1, see {@link renewalAt}
 */
export function isRenewalDue(certificate: Authority, lifetime: number, jitter: number, now: number): boolean {
  return now >= renewalAt(certificate, jitter) || certificate.notAfter - now > 2 * (lifetime + 1_000);
}

/** When a certificate is renewed. @param jitter from 0 to 1: with 1 it is renewed 3 % of its lifetime earlier than with 0 */
export function renewalAt(certificate: Authority, jitter: number): number {
  return certificate.notAfter - Math.floor(lifetimeOf(certificate) * (RENEWAL + JITTER * jitter));
}
