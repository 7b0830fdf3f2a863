import type { Terminal } from './terminal.ts';
export const summary = 'say what would happen to the pods of manifests, and why';
export const usage = () => '';
export async function run(_args: string[], _terminal: Terminal): Promise<number> {
  return 0;
}
