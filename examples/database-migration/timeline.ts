/** Prints the events of a pod, one line each: time, container, text. Keeps them for the page. */
import type { Deed, TimelineEvent } from './recording.ts';

const COLOURS = ['\u001b[36m', '\u001b[33m', '\u001b[35m', '\u001b[32m'];
const [BOLD, DIM, PLAIN] = ['\u001b[1m', '\u001b[2m', '\u001b[0m'];

/** Whether to colour: on a terminal, unless NO_COLOR is set. */
export const colourful = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';

export function bold(text: string): string {
  return colourful ? `${BOLD}${text}${PLAIN}` : text;
}

export function dim(text: string): string {
  return colourful ? `${DIM}${text}${PLAIN}` : text;
}

export class Timeline {
  /** What has happened so far. */
  readonly events: TimelineEvent[] = [];
  /** When the first event was. */
  private since: number | undefined;
  private readonly names: readonly string[];
  private readonly width: number;

  constructor(names: readonly string[]) {
    this.names = names;
    this.width = Math.max(...names.map((name) => name.length));
  }

  /** An event of a shim or of the kubelet. */
  event(container: string, deed: Deed, text: string, code?: number): void {
    this.add({ at: this.now(), container, deed, text, ...(code === undefined ? {} : { code }) });
  }

  /** What a container's own program says. */
  output(container: string, text: string): void {
    for (const line of text.split('\n'))
      if (line.trim() !== '') this.add({ at: this.now(), container, deed: 'said', text: line });
  }

  private now(): number {
    const now = performance.now();
    this.since ??= now;
    return Math.round(now - this.since);
  }

  private add(event: TimelineEvent): void {
    this.events.push(event);
    const { at, container, deed, text } = event;
    const seconds = (at / 1000).toFixed(2).padStart(6);
    const colour = colourful ? (COLOURS[this.names.indexOf(container) % COLOURS.length] ?? '') : '';
    const what = deed === 'said' ? dim(`| ${text}`) : text;
    console.log(`  ${seconds}s  ${colour}${container.padEnd(this.width)}${colourful ? PLAIN : ''}  ${what}`);
  }
}
