/**
 * What happened in a pod, told from outside: one log, to which its processes, its kubelet and the chaos append. The order of
 * lines is the order of things: what is done to a container is written before it is done, and what is seen after it was.
 */
import { appendFileSync, closeSync, openSync, readSync } from 'node:fs';
import type { RestartPolicy } from '../../shim/protocol.ts';
import type { Victim } from './plan.ts';

/** One process of a container. Numbers are places in the log. */
export interface Instance {
  pid: number;
  up: number;
  ready?: number;
  /** Its first TERM. */
  told?: number;
  ends?: number;
  endsCode?: number;
}

/** One start of a container. */
export interface Attempt {
  name: string;
  number: number;
  start: number;
  exit?: number;
  code?: number;
  instances: Instance[];
  /** The chaos's KILLs, and whom they were sent to. */
  kills: { at: number; victim: Victim; pids: number[] }[];
  /** Something of it was stopped for a while. */
  frozen: boolean;
  /** When its mount became read-only. */
  readOnly?: number;
  /** When its preStop hook began, which keeps the kubelet's TERM back. */
  hook?: { at: number; alone: boolean };
  /** The kubelet's TERM: when it was sent, and which of its processes were there when its shim had taken it. */
  term?: { at: number; alone: boolean; taken?: number; pids: number[] };
  /** The kubelet's KILL, at the end of the grace period. */
  killed?: number;
  /** Processes that outlived it. */
  left: string[];
}

/**
 * Whether the kubelet starts a container again that has ended: by its code, or because it has stopped it alone for that. Of one that
 * ended by itself at that moment no shim can know it: there the code counts.
 */
export function comesBack(policy: RestartPolicy, { code, term, instances }: Attempt): boolean {
  const wasTold = term?.alone === true && instances.at(-1)?.told !== undefined;
  return policy === 'Always' || (policy === 'OnFailure' && (code !== 0 || wasTold));
}

export class Story {
  readonly lines: string[] = [];
  readonly attempts: Attempt[] = [];
  deleted: number | undefined;
  readonly reboots: number[] = [];
  private readonly path: string;
  private readonly file: number;
  private rest = '';

  /** @param path the log that the containers append to */
  constructor(path: string) {
    this.path = path;
    this.file = openSync(path, 'r');
  }

  /** Write a line of the kubelet's or the chaos's. */
  write(line: string): void {
    appendFileSync(this.path, `${Date.now()} ${line}\n`);
    this.read();
  }

  /** Take in what was appended. */
  read(): void {
    const buffer = Buffer.alloc(65_536);
    for (;;) {
      const count = readSync(this.file, buffer, 0, buffer.length, null);
      if (count === 0) return;
      const parts = (this.rest + buffer.toString('utf8', 0, count)).split('\n');
      this.rest = parts.pop() ?? '';
      for (const line of parts) this.take(line);
    }
  }

  close(): void {
    closeSync(this.file);
  }

  /** When a line was written, by the wall clock. */
  timeOf(place: number): number {
    return Number(this.lines[place]?.split(' ')[0]);
  }

  /** A container's last start, if there was one. */
  last(name: string): Attempt | undefined {
    return this.attempts.findLast((attempt) => attempt.name === name);
  }

  of(name: string): Attempt[] {
    return this.attempts.filter((attempt) => attempt.name === name);
  }

  private take(line: string): void {
    const place = this.lines.push(line) - 1;
    const [, subject = '', verb = '', ...words] = line.split(' ');
    if (subject === 'kubelet') this.kubelet(place, verb, words);
    else if (subject === 'chaos') this.chaos(place, verb, words);
    else this.worker(place, subject, verb, words);
  }

  private kubelet(place: number, verb: string, [subject = '', ...words]: string[]): void {
    if (verb === 'delete') this.deleted = place;
    if (verb === 'reboot') this.reboots.push(place);
    if (verb === 'start') {
      const [name = '', number] = subject.split('#');
      const attempt = {
        name,
        number: Number(number),
        start: place,
        instances: [],
        kills: [],
        frozen: false,
        left: [],
      };
      this.attempts.push(attempt);
    }
    const attempt = this.find(subject);
    if (attempt === undefined) return;
    if (verb === 'exit') Object.assign(attempt, { exit: place, code: Number(words[0]) });
    if (verb === 'hook') attempt.hook = { at: place, alone: words[0] === 'alone' };
    if (verb === 'term') attempt.term = { at: place, alone: words[0] === 'alone', pids: [] };
    if (verb === 'taken' && attempt.term !== undefined)
      attempt.term = { ...attempt.term, taken: place, pids: words.map(Number) };
    if (verb === 'kill') attempt.killed = place;
  }

  private chaos(place: number, verb: string, [subject = '', victim, ...words]: string[]): void {
    const attempt = this.find(subject);
    if (attempt === undefined) return;
    if (
      verb === 'kill' &&
      (victim === 'shim' || victim === 'child' || victim === 'grandchild' || victim === 'container')
    )
      attempt.kills.push({ at: place, victim, pids: words.map(Number) });
    if (verb === 'freeze') attempt.frozen = true;
    if (verb === 'read-only') attempt.readOnly = place;
    if (verb === 'left') attempt.left.push([victim, ...words].join(' '));
  }

  private worker(place: number, subject: string, verb: string, words: string[]): void {
    const [container = '', pid] = subject.split('.');
    const attempt = this.find(container);
    if (attempt === undefined) return;
    if (verb === 'up') attempt.instances.push({ pid: Number(pid), up: place });
    const instance = attempt.instances.findLast((item) => item.pid === Number(pid));
    if (instance === undefined) return;
    if (verb === 'ready') instance.ready = place;
    if (verb === 'got') instance.told ??= place;
    if (verb === 'ends') Object.assign(instance, { ends: place, endsCode: Number(words[0]) });
  }

  private find(subject: string): Attempt | undefined {
    const [name, number] = subject.split('#');
    return this.attempts.findLast((attempt) => attempt.name === name && attempt.number === Number(number));
  }
}
