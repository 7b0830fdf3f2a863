/** What `curfew why` finds of a pod. */
import type { Finding, Scene } from '../../../webhook/cluster/finding.ts';
import { podFacts } from '../../../webhook/cluster/pod-facts.ts';
import { why } from '../../../webhook/cluster/why.ts';
import { defaultPolicy } from '../../../webhook/decision/policy.ts';
import { aPod, NOW, type PodParts } from './cluster-objects.ts';

/** Judge a pod of a namespace without the label. */
export function whyOf(parts: PodParts, more: Partial<Scene> = {}): Finding {
  return why({
    pod: podFacts(aPod(parts)),
    now: NOW,
    label: { kind: 'off' },
    troubles: [],
    shim: undefined,
    unheard: undefined,
    logs: new Map(),
    policy: defaultPolicy(),
    ...more,
  });
}

/** All that is said of it. */
export const all = ({ headline, lines, todo }: Finding) => [headline, ...lines, ...todo].join('\n');
