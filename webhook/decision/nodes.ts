/** The nodes on which a pod can land, by its nodeSelector and its required node affinity. */
import { MACHINES, type Machine } from '../../shim/machine-words.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';

/** The labels that every kubelet puts on its node. One that is left out is not looked at. */
interface NodeLabels {
  os: string;
  arch?: Machine;
}

const LABEL_OF: Readonly<Record<string, keyof NodeLabels>> = {
  'kubernetes.io/os': 'os',
  'beta.kubernetes.io/os': 'os',
  'kubernetes.io/arch': 'arch',
  'beta.kubernetes.io/arch': 'arch',
};

/**
 * The Linux machines on which a pod can land. Where a selector cannot be read, it counts as one that allows all: the API server
 * judges it.
 * @param spec the pod's
 */
export function machinesOf(spec: JsonRecord, machines: readonly Machine[] = MACHINES): Machine[] {
  return machines.filter((arch) => isAllowed(spec, { os: 'linux', arch }));
}

/** Is it a pod for Windows, as its os says, its options, or selectors that allow Windows and no Linux? */
export function isForWindows(spec: JsonRecord): boolean {
  const os = at(spec, 'os', 'name');
  if (os === 'windows' || (os === undefined && hasWindowsOptions(spec))) return true;
  return !isAllowed(spec, { os: 'linux' }) && isAllowed(spec, { os: 'windows' });
}

/** Kubernetes has a pod with these options run on Windows alone. Some operators write them empty everywhere. */
function hasWindowsOptions(spec: JsonRecord): boolean {
  const containers = [member(spec, 'containers'), member(spec, 'initContainers')].filter(Array.isArray);
  return [spec, ...containers.flat()].some((record) => {
    const options = at(record, 'securityContext', 'windowsOptions');
    return isRecord(options) && Object.keys(options).length > 0;
  });
}

function isAllowed(spec: JsonRecord, labels: NodeLabels): boolean {
  return isSelected(member(spec, 'nodeSelector'), labels) && isWanted(member(spec, 'affinity'), labels);
}

function isSelected(selector: unknown, labels: NodeLabels): boolean {
  if (!isRecord(selector)) return true;
  return Object.entries(LABEL_OF).every(([key, label]) => {
    const wanted = member(selector, key);
    return wanted === undefined || labels[label] === undefined || wanted === labels[label];
  });
}

/** Of the required terms one must hold, and of a term every expression. */
function isWanted(affinity: unknown, labels: NodeLabels): boolean {
  if (affinity === undefined) return true;
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const terms = at(affinity, 'nodeAffinity', required, 'nodeSelectorTerms');
  if (!Array.isArray(terms) || terms.length === 0) return true;
  return terms.some((term) => expressionsOf(term).every((expression) => holds(expression, labels)));
}

function expressionsOf(term: unknown): readonly unknown[] {
  const expressions = at(term, 'matchExpressions');
  return Array.isArray(expressions) ? expressions : [];
}

function holds(expression: unknown, labels: NodeLabels): boolean {
  const key = at(expression, 'key');
  const label = typeof key === 'string' && Object.hasOwn(LABEL_OF, key) ? LABEL_OF[key] : undefined;
  if (label === undefined || labels[label] === undefined) return true;
  const values = at(expression, 'values');
  const isNamed = Array.isArray(values) && values.includes(labels[label]);
  switch (at(expression, 'operator')) {
    case 'In':
      return isNamed;
    case 'NotIn':
      return !isNamed;
    case 'DoesNotExist':
      return false;
    default:
      return true;
  }
}

/** The value at a path of members; undefined where one is missing or no object. */
function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((here, key) => (isRecord(here) ? member(here, key) : undefined), value);
}
