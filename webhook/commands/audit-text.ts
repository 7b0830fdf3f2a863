/** What `curfew audit` prints. */
import type { AuditReport, HangingPod, NamespaceCounts, Treatment } from '../cluster/audit.ts';
import { formatRequests } from '../cluster/requests.ts';
import { both, brief, duration } from '../cluster/words.ts';
import { formatCpu, formatMemory } from '../shared/quantity.ts';
import type { Paint } from './cluster.ts';
import { printable } from './terminal.ts';

/** Lines of one part; JSON has all. */
const MOST = 40;

/** The report for a person. */
export function auditText(report: AuditReport, now: number, paint: Paint): string {
  const parts = [
    table(report, paint),
    section(
      paint('red', `Hanging: ${hangingHead(report)}`),
      report.hanging.flatMap((one) => hangingLines(one, now)),
      report.hanging.length,
    ),
    section(
      'Perhaps hanging: one container ended 0, and another runs on that is not in the catalogue',
      report.unclear.map(({ namespace, pod, containers }) => `${namespace}/${pod}: ${both(containers)}`),
      report.unclear.length,
    ),
    section('Would be refused in a labelled namespace', rowLines(report, 'refused'), 1),
    section(
      'Means nothing where it stands',
      report.wrong.map(({ where, what }) => `${where}: ${what}`),
      report.wrong.length,
    ),
    section('Warnings', warningLines(report), 1),
  ];
  return `${parts.filter((text) => text !== '').join('\n')}`;
}

function hangingHead({ hanging, held }: AuditReport): string {
  return `${hanging.length} pod${hanging.length === 1 ? '' : 's'}, which hold${hanging.length === 1 ? 's' : ''} ${formatRequests(held)}`;
}

function hangingLines(one: HangingPod, now: number): string[] {
  const { namespace, pod, owner, since, mains, sidecars, certain, holds, because, write } = one;
  const ends = both(mains.map(({ name, code }) => `${name} ended ${code}`));
  const age = since === undefined ? '' : ` ${duration(now - since)} ago`;
  return [
    `${namespace}/${pod}${owner === undefined ? '' : ` (${owner.kind} ${owner.name})`}: ${ends}${age}; ${both(sidecars)} still run${sidecars.length === 1 ? 's' : ''}${certain ? '' : ', and may be a sidecar'}; holds ${formatRequests(holds)}`,
    ...because.map((why) => `  not wrapped: ${why}`),
    ...write.map((what) => `  write: ${what}`),
  ];
}

function rowLines({ rows }: AuditReport, treatment: Treatment): string[] {
  return rows
    .filter((row) => row.treatment === treatment)
    .map(
      ({ namespace, kind, name, reason, message }) =>
        `${namespace}/${kind} ${name}: ${reason}: ${brief(message, 400)}`,
    );
}

/** Each text once for each maker. */
function warningLines({ rows }: AuditReport): string[] {
  const lines = rows.flatMap(({ namespace, kind, name, warnings }) =>
    warnings.map((text) => `${namespace}/${kind} ${name}: ${text.replace(/^Curfew: /, '')}`),
  );
  return [...new Set(lines)];
}

function section(head: string, lines: readonly string[], count: number): string {
  if (lines.length === 0 || count === 0) return '';
  const shown = lines.slice(0, MOST).map((line) => `  ${printable(line)}\n`);
  const more = lines.length > MOST ? `  and ${lines.length - MOST} lines more: --output json has all\n` : '';
  return `${head}\n${shown.join('')}${more}`;
}

const HEAD = [
  'NAMESPACE',
  'LABEL',
  'PODS',
  'WRAPPED',
  'NATIVE',
  'PASSED',
  'HANG',
  'LABEL WOULD WRAP',
  'WOULD REFUSE',
];

function table({ namespaces }: AuditReport, paint: Paint): string {
  const rows = [...namespaces]
    .filter(([, counts]) => counts.pods > 0 || counts.templates > 0 || counts.label.kind !== 'off')
    .map(([name, counts]) => cells(name, counts));
  if (rows.length === 0) return 'There is no running pod and no pod template.\n';
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  const shown = rows.slice(0, 200);
  const more =
    rows.length > shown.length
      ? [`and ${rows.length - shown.length} namespaces more: --output json has all`]
      : [];
  return `${[paint('bold', line(HEAD)), ...shown.map(line), ...more].join('\n')}\n`;
}

function cells(name: string, { label, pods, treatments, hanging, templates }: NamespaceCounts): string[] {
  const isOn = label.kind === 'on';
  const would = isOn ? '-' : `${treatments.waits} pods, ${templates} templates`;
  return [
    printable(name),
    'value' in label ? printable(brief(label.value, 20)) : label.kind === 'off' ? '-' : '?',
    String(pods),
    String(treatments.wrapped),
    String(treatments.native),
    String(treatments.passed + (isOn ? treatments.waits : 0)),
    String(hanging),
    would,
    String(treatments.refused),
  ];
}

/** The report for programs. */
export function auditJson(report: AuditReport): object {
  const amounts = ({ cpu, memory }: AuditReport['held']) => ({
    cpu: formatCpu(cpu),
    memory: formatMemory(memory),
  });
  return {
    namespaces: [...report.namespaces].map(([name, { label, pods, treatments, hanging, templates }]) => ({
      name,
      label: 'value' in label ? label.value : null,
      labelled: label.kind === 'unknown' ? null : label.kind === 'on',
      pods,
      ...treatments,
      hanging,
      labelWouldWrap: label.kind === 'on' ? { pods: 0, templates: 0 } : { pods: treatments.waits, templates },
    })),
    hanging: report.hanging.map(({ since, holds, owner, ...rest }) => ({
      ...rest,
      owner: owner ?? null,
      since: since === undefined ? null : new Date(since).toISOString(),
      holds: amounts(holds),
    })),
    held: amounts(report.held),
    unclear: report.unclear,
    wrong: report.wrong,
    workloads: report.rows,
  };
}
