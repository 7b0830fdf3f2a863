/** Prints the events of a pod, one line each: time, container, text. */

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
  private readonly since = performance.now();
  private readonly names: readonly string[];
  private readonly width: number;

  constructor(names: readonly string[]) {
    this.names = names;
    this.width = Math.max(...names.map((name) => name.length));
  }

  /** An event of a shim or of the kubelet. */
  event(name: string, what: string): void {
    this.line(name, what);
  }

  /** A line of the container's own program. */
  output(name: string, text: string): void {
    for (const line of text.split('\n')) if (line.trim() !== '') this.line(name, dim(`| ${line}`));
  }

  private line(name: string, what: string): void {
    const seconds = ((performance.now() - this.since) / 1000).toFixed(2).padStart(6);
    const colour = colourful ? (COLOURS[this.names.indexOf(name) % COLOURS.length] ?? '') : '';
    console.log(`  ${seconds}s  ${colour}${name.padEnd(this.width)}${colourful ? PLAIN : ''}  ${what}`);
  }
}
