/** What is said of the documents of manifests while they are read, and the exit code that comes of it. */
import type { Step } from '../manifest/injection.ts';
import type { Verdict } from '../manifest/judge.ts';
import { unknownKind, whyNoPod } from '../manifest/oversight.ts';
import { printable, type Terminal } from './terminal.ts';

/** An outcome's place in the exit code, the worst first: nothing is written with 1 and 2. */
const WORST_FIRST = [2, 1, 3, 0];

/** Speaks to standard error, a line for each thing. */
export class ManifestReport {
  exitCode = 0;
  private readonly terminal: Terminal;
  private readonly quiet: boolean;
  private readonly texts: string[] = [];
  private source = '';
  private pods = 0;

  constructor(terminal: Terminal, quiet: boolean) {
    this.terminal = terminal;
    this.quiet = quiet;
  }

  /** A file begins. */
  open(source: string, text: string): void {
    this.source = source;
    this.texts.push(text);
  }

  add(step: Exclude<Step, { kind: 'text' }>): void {
    const where = `${this.source}: document ${step.kind === 'verdict' ? step.verdict.document : step.document}`;
    if (step.kind === 'verdict') this.verdict(step.verdict);
    else if (step.kind === 'rewritten')
      this.say(`${where}: warning: it was written anew: its comments stand at its head, its layout is lost`);
    else if (step.kind === 'object') {
      const unknown = unknownKind(step.object);
      if (unknown !== undefined) this.say(`${where}, ${unknown}`);
    } else this.unreadable(step);
  }

  /** A document that cannot be read. */
  unreadable({ document, line, column, message, saysPod }: Extract<Step, { kind: 'unreadable' }>): void {
    this.count(saysPod ? 2 : 3);
    const rest = saysPod ? 'it says that it holds a pod' : 'it stays as it is';
    this.say(`${this.source}:${line}:${column}: document ${document} cannot be read, ${rest}: ${message}`);
  }

  /** All files were read. */
  async end(): Promise<void> {
    const why = this.pods === 0 && this.exitCode === 0 ? await this.whyNoPod() : undefined;
    if (why !== undefined) this.say(`warning: ${why}`);
  }

  /** Why there is no pod; undefined where there is one. */
  async whyNoPod(): Promise<string | undefined> {
    if (this.pods > 0) return undefined;
    const { allObjects } = await import('../manifest/injection.ts');
    const found = new Map<string, { apiVersion: string; kind: string }>();
    let looked = 0;
    for (const text of this.texts)
      for (const object of allObjects(text)) {
        found.set(`${object.apiVersion} ${object.kind}`, object);
        if (found.size > 6 || ++looked > 1_000) break;
      }
    return whyNoPod([...found.values()]);
  }

  count(code: number): void {
    if (WORST_FIRST.indexOf(code) < WORST_FIRST.indexOf(this.exitCode)) this.exitCode = code;
  }

  /** A pod was found. */
  sawPod({ mutation }: Verdict): void {
    this.pods++;
    if (mutation.outcome === 'refused') this.count(1);
  }

  private verdict(verdict: Verdict): void {
    this.sawPod(verdict);
    const { mutation, unknownCommands } = verdict;
    const where = describe(this.source, verdict);
    const { outcome, reason, message, warnings } = mutation;
    if (reason === 'invalid-pod')
      this.say(`${where}: warning: left as it is, and the API server will refuse it: ${message}`);
    else if (outcome === 'refused') this.say(`${where}: refused: ${message}`);
    else if (!this.quiet) this.say(`${where}: ${outcome === 'unchanged' ? 'unchanged: ' : ''}${message}`);
    for (const warning of warnings) this.say(`${where}: warning: ${warning}`);
    for (const unknown of unknownCommands) this.say(`${where}: ${unknown}`);
  }

  private say(line: string): void {
    this.terminal.complain(printable(line));
  }
}

/** @example 'job.yaml: document 2, Job/migrate' */
export function describe(source: string, { document, pod }: Verdict): string {
  return `${source}: document ${document}, ${pod.kind}/${pod.name}`;
}
