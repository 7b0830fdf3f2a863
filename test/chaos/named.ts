/** Plans that no seed draws, because they take their time: what is named in docs/verification.md, "Chaos". */
import type { Happening, MainPlan, Plan, SidecarPlan } from './plan.ts';

const WHOLE_BOUND = 150_000;

function main(name: string, rest: Partial<MainPlan> = {}): MainPlan {
  return { ...plain(name), work: 500, codes: [], ...rest };
}

function sidecar(name: string, rest: Partial<SidecarPlan> = {}): SidecarPlan {
  return { ...plain(name), ready: 'tcp', delay: 50, ...rest };
}

function plain(name: string) {
  return {
    name,
    startAfter: 0,
    term: 0,
    flush: 50,
    stubborn: false,
    helper: false,
    probed: false,
    readOnly: false,
  };
}

function pod(title: string, rest: Partial<Plan>): Plan {
  return {
    title,
    policy: 'Never',
    mains: [main('m0')],
    sidecars: [sidecar('s0'), sidecar('s1')],
    grace: 8_000,
    rendezvous: 'plain',
    hostPid: false,
    leftovers: false,
    clocks: [],
    inOrder: false,
    happenings: [],
    bound: WHOLE_BOUND,
    ...rest,
  };
}

const freeze = (who: string, what: Happening['after']['what']): Happening => ({
  after: { who, what },
  delay: 50,
  deed: { kind: 'freeze', who, victim: 'shim', ms: 10_000 },
});
const reboot = (who: string, forgets: boolean): Happening => ({
  after: { who, what: 'exit' },
  delay: 100,
  deed: { kind: 'reboot', forgets },
});

export const NAMED: readonly Plan[] = [
  pod('a sidecar starts 30 s late', { sidecars: [sidecar('s0'), sidecar('s1', { startAfter: 30_000 })] }),
  pod('a main starts 30 s late', { mains: [main('m0', { codes: [3] }), main('m1', { startAfter: 30_000 })] }),
  pod("a sidecar's shim stops for 10 s at its start", { happenings: [freeze('s0', 'starting')] }),
  pod("a sidecar's shim stops for 10 s while the work ends", { happenings: [freeze('s1', 'started')] }),
  pod("a main's shim stops for 10 s", {
    mains: [main('m0', { work: 2_000, codes: [42] })],
    happenings: [freeze('m0', 'up')],
  }),
  pod("a sidecar's probe fails while a main works on", {
    policy: 'OnFailure',
    mains: [main('m0', { work: 22_000 })],
    sidecars: [sidecar('s0', { probed: true }), sidecar('s1')],
    grace: 20_000,
    happenings: [{ after: { who: 'm0', what: 'up' }, delay: 0, deed: { kind: 'stop', who: 's0' } }],
  }),
  pod('preStop hooks of sidecars, one of which never returns, in a deletion', {
    mains: [main('m0', { work: 30_000, probed: true })],
    sidecars: [sidecar('s0', { preStop: 3_000 }), sidecar('s1', { preStop: 60_000 }), sidecar('s2')],
    happenings: [{ after: { who: 'm0', what: 'up' }, delay: 0, deed: { kind: 'delete' } }],
  }),
  pod('a file system that tells nothing, and nobody starts in order', {
    rendezvous: 'deaf',
    sidecars: [sidecar('s0', { startAfter: 600 }), sidecar('s1')],
  }),
  pod('the node is restarted after a main has ended, and the kubelet remembers', {
    policy: 'OnFailure',
    mains: [main('m0'), main('m1', { work: 8_000 })],
    happenings: [reboot('m0', false)],
  }),
  pod('the node is restarted after a main has ended, and the kubelet forgets', {
    policy: 'OnFailure',
    mains: [main('m0'), main('m1', { work: 8_000 })],
    happenings: [reboot('m0', true)],
  }),
];
