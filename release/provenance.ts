/** How the files came to be, as SLSA's provenance: https://slsa.dev/spec/v1.0/provenance, in an in-toto statement. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type SummedFile, sha256 } from './archive.ts';
import { nodePart } from './build.ts';
import { type LockedPackage, PLATFORMS } from './debian-lock.ts';
import { type Source, timeOf } from './source.ts';

const HOME = 'https://github.com/curfew-dev/curfew';
/** What the fields mean: the section of RELEASE.md that says it. */
const BUILD_TYPE = `${HOME}/blob/main/RELEASE.md#provenance`;
const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** What the provenance is told. */
export interface ProvenanceParts {
  source: Source;
  tree: string;
  lock: readonly LockedPackage[];
  registry: string;
  /** Who ran it: a URI. */
  builder: string;
}

/** The predicate. It holds no time of the build and no name of a machine: the same tag gives the same bytes. */
export async function predicateOf({ source, tree, lock, registry, builder }: ProvenanceParts) {
  const quickjs = /^quickjs_sha256=(\S+)$/m.exec(readFileSync(join(tree, 'shim', 'build'), 'utf8'))?.[1];
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: { tag: `v${source.version}`, registry },
      internalParameters: { SOURCE_DATE_EPOCH: source.epoch },
      resolvedDependencies: [
        { uri: `git+${HOME}@refs/tags/v${source.version}`, digest: { gitCommit: source.commit } },
        { name: 'package-lock.json', digest: { sha256: await sha256(join(tree, 'package-lock.json')) } },
        { name: 'quickjs', digest: { sha256: quickjs } },
        ...PLATFORMS.map((architecture) => nodePart(tree, architecture)).map(
          ({ name, version, integrity }) => ({
            uri: `pkg:npm/${name}@${version}`,
            digest: { sha512: Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex') },
          }),
        ),
        ...lock.map(({ name, version, architecture, sha256 }) => ({
          uri: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`,
          digest: { sha256 },
        })),
      ],
    },
    runDetails: {
      builder: { id: builder },
      metadata: { invocationId: `${source.commit}@${timeOf(source)}` },
    },
  };
}

/** The whole statement, of files and of what a registry holds. */
export function statementOf(
  files: readonly SummedFile[],
  artifacts: readonly { name: string; digest: string }[],
  predicate: Awaited<ReturnType<typeof predicateOf>>,
): string {
  const subject = [
    ...files.map(({ path, sha256 }) => ({ name: path, digest: { sha256 } })),
    ...artifacts.map(({ name, digest }) => ({ name, digest: { sha256: digest.replace('sha256:', '') } })),
  ];
  return `${JSON.stringify({ _type: STATEMENT_TYPE, subject, predicateType: PREDICATE_TYPE, predicate }, null, 2)}\n`;
}

const DIGEST = z.object({ sha256: z.string() });
/** A statement, as far as it is checked. */
export const STATEMENT = z.object({
  _type: z.literal(STATEMENT_TYPE),
  predicateType: z.literal(PREDICATE_TYPE),
  subject: z.array(z.object({ name: z.string(), digest: DIGEST })),
  predicate: z.object({
    buildDefinition: z.object({
      externalParameters: z.object({ tag: z.string(), registry: z.string() }),
      resolvedDependencies: z.array(z.object({ digest: z.record(z.string(), z.string()) })),
    }),
    runDetails: z.object({ builder: z.object({ id: z.string() }) }),
  }),
});

/** Host and path that a release was made for. @throws where the statement does not parse */
export function registryOf(statement: string): string {
  return STATEMENT.parse(JSON.parse(statement)).predicate.buildDefinition.externalParameters.registry;
}
