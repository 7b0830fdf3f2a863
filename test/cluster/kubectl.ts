/** Runs kubectl and other programs, and waits for their answers. */
import { spawn } from 'node:child_process';

const KUBECTL = process.env.KUBECTL ?? 'kubectl';
/** How many times longer everything may take than on a node that is this machine. */
export const SLOWNESS = Number(process.env.CURFEW_SLOWNESS ?? 1);
/** The longest wait for an event that is expected, in milliseconds, before SLOWNESS. Tests of the rules have their own bounds. */
export const PATIENCE = Number(process.env.CURFEW_PATIENCE ?? 120) * 1_000;
const POLL = 250;

/** The result of a program. */
export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** kubectl's flag for a wait of so many seconds (default: the longest). */
export function timeout(seconds = PATIENCE / 1_000): string {
  return `--timeout=${seconds * SLOWNESS}s`;
}

/** Run kubectl. Never throws for its exit code. @param began called at the first text on stdout */
export function kubectl(args: string[], input = '', began?: () => void): Promise<Result> {
  return runProgram(KUBECTL, args, input, {}, began);
}

/** Run a program. Never throws for its exit code. @param began called at the first text on stdout */
export function runProgram(
  program: string,
  args: string[],
  input = '',
  environment: Record<string, string> = {},
  began: () => void = () => {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...environment };
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.once('data', began);
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** Run kubectl, which must succeed; its stdout. */
export async function mustKubectl(args: string[], input = ''): Promise<string> {
  const result = await kubectl(args, input);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit ${result.code}: ${result.stderr}`);
  return result.stdout;
}

/**
 * Ask again and again until the answer is there, and spend at most a third of the time on asking: many tests wait at once, and
 * kubectl uses most of the CPU. Throws with the name of the event when the time is over.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  patience = PATIENCE,
): Promise<T> {
  const deadline = Date.now() + patience * SLOWNESS;
  for (;;) {
    const asked = Date.now();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`not after ${(patience * SLOWNESS) / 1000} s: ${what}`);
    const pause = Math.max(POLL, 2 * (Date.now() - asked));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
