import type { Terminal } from './terminal.ts';
export const summary = 'print the MutatingWebhookConfiguration, for kubectl apply -f -';
export const usage = () => '';
export async function run(_args: string[], _terminal: Terminal): Promise<number> {
  return 0;
}
