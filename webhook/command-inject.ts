import type { Terminal } from './terminal.ts';
export const summary = 'wrap the pods of manifests, without a cluster';
export const usage = () => '';
export async function run(_args: string[], _terminal: Terminal): Promise<number> {
  return 0;
}
