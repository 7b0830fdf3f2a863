/** The command line as an archive: one file for Node, its completions, and the same as a plugin of kubectl, with krew's manifest. */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import packageFile from '../package.json' with { type: 'json' };
import { packFolder, sha256 } from './archive.ts';
import { run } from './program.ts';
import type { Source } from './source.ts';

const HOME = 'https://github.com/curfew-dev/curfew';

/** The shells of `curfew completion`, each with its file's usual name. */
const COMPLETIONS = [
  ['bash', 'completions/curfew.bash'],
  ['zsh', 'completions/_curfew'],
  ['fish', 'completions/curfew.fish'],
  ['kubectl', 'kubectl_complete-curfew'],
] as const;

export function commandLineName(version: string): string {
  return `curfew-cli-${version}.tar.gz`;
}

/** Write the archive and `curfew.krew.yaml` into a folder. */
export async function writeCommandLine(
  source: Source,
  tree: string,
  work: string,
  out: string,
): Promise<void> {
  const name = `curfew-cli-${source.version}`;
  const folder = join(work, name);
  mkdirSync(join(folder, 'completions'), { recursive: true });
  cpSync(join(tree, 'dist', 'curfew.js'), join(folder, 'curfew'));
  cpSync(join(tree, 'dist', 'curfew.js.licenses.txt'), join(folder, 'licenses.txt'));
  cpSync(join(tree, 'LICENSE'), join(folder, 'LICENSE'));
  // kubectl takes a program of that name on the PATH as "kubectl curfew".
  symlinkSync('curfew', join(folder, 'kubectl-curfew'));
  for (const [shell, path] of COMPLETIONS) {
    const text = run(process.execPath, [join(folder, 'curfew'), 'completion', shell]);
    // kubectl's is a program of its own.
    writeFileSync(join(folder, path), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
  }
  const archive = join(out, commandLineName(source.version));
  packFolder(work, name, archive, source);
  writeFileSync(join(out, 'curfew.krew.yaml'), krewManifest(source.version, await sha256(archive)), {
    mode: 0o644,
  });
}

/** The plugin as krew knows it: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/ */
export function krewManifest(version: string, checksum: string): string {
  const folder = `curfew-cli-${version}`;
  return stringify(
    {
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: 'curfew' },
      spec: {
        version: `v${version}`,
        homepage: HOME,
        shortDescription: 'Find and end Jobs that hang because of a sidecar',
        description:
          'Says who holds a pod that does not end, which Jobs of a cluster hang, whether Curfew works in it, and what it\nwould do with the pods of manifests, and why.\n',
        caveats: `Needs Node ${packageFile.engines.node.replace('>=', '')} or newer on the PATH.\n`,
        platforms: [
          {
            selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['linux', 'darwin'] }] },
            uri: `${HOME}/releases/download/v${version}/${commandLineName(version)}`,
            sha256: checksum,
            files: [
              { from: `${folder}/curfew`, to: 'kubectl-curfew' },
              { from: `${folder}/LICENSE`, to: 'LICENSE' },
              { from: `${folder}/licenses.txt`, to: 'licenses.txt' },
            ],
            bin: 'kubectl-curfew',
          },
        ],
      },
    },
    { lineWidth: 0 },
  );
}
