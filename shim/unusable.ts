/** The end of a container whose shim cannot do its work: announced as an end with 125, so that nobody waits for it (rule L17). */
import host from 'host';
import { HostError } from './errors.ts';
import { EXIT_UNUSABLE, lastWord } from './lifecycle.ts';
import type { Identity } from './protocol.ts';
import { Rendezvous } from './rendezvous.ts';

/** @param rendezvous where its place was taken; else that is tried again */
export function announceUnusable(identity: Identity, rendezvous?: Rendezvous): void {
  // It may be a descriptor that is missing.
  host.giveUpCommand();
  try {
    const place = rendezvous ?? new Rendezvous(identity);
    place.announce(lastWord({ options: identity }, EXIT_UNUSABLE, false));
  } catch (error) {
    // Why it cannot work is said; that it cannot say so here either follows from that.
    if (!(error instanceof HostError)) throw error;
  }
}
