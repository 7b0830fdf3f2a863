/** What becomes of the demo's pod in native mode: decided by the real command line, told in one line. */
import { execFileSync } from 'node:child_process';
import { z } from 'zod';

/** What is used of the answer of `curfew explain -o json`. */
const EXPLAINED = z.object({
  pods: z.tuple([
    z.object({
      mode: z.enum(['shim', 'native']),
      operations: z.int(),
      containers: z.array(z.object({ name: z.string(), role: z.enum(['main', 'sidecar']) })),
    }),
  ]),
});
type Explained = z.infer<typeof EXPLAINED>['pods'][0];

/** A version of Kubernetes that auto takes for sure (native sidecars are stable from it on). */
const NEW_KUBERNETES = '1.33';

/** @param program `dist/curfew.js`; @param manifest the Job's file. @throws where the command line does not answer as it is documented */
export function nativeLine(program: string, manifest: string): string {
  const explain = (...flags: string[]): Explained => {
    const words = ['explain', '-f', manifest, '-o', 'json', '--no-lookup', ...flags];
    const answer = execFileSync(process.execPath, [program, ...words], { encoding: 'utf8' });
    return EXPLAINED.parse(JSON.parse(answer)).pods[0];
  };
  return formatNativeLine(
    explain('--mode', 'native'),
    explain('--mode', 'auto', '--kubernetes-version', NEW_KUBERNETES),
  );
}

/** @param native what native mode makes of the pod; @param auto what auto does */
export function formatNativeLine(native: Explained, auto: Explained): string {
  const sidecars = native.containers.filter(({ role }) => role === 'sidecar').map(({ name }) => name);
  const are = sidecars.length === 1 ? 'a native sidecar' : 'native sidecars';
  const automatic =
    auto.mode === 'native'
      ? `from Kubernetes 1.32 on =auto does the same`
      : '=auto keeps the shim for this pod, because natively it would lose something';
  return `Native mode: labelled curfew.dev/injection=native the namespace gets ${sidecars.join(', ')} as ${are} instead (${native.operations} operations, no shim); ${automatic}: docs/guides/shim-or-native.md`;
}
