/** Copies what a release's layouts hold into a registry, every byte as it is. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CHART_NAME } from './chart.ts';
import { IMAGES, layoutEntries } from './images.ts';
import { attempt, ownEnvironment, ReleaseError } from './program.ts';

/** The names of the repositories below the registry's path. */
export const REPOSITORIES: readonly string[] = [...IMAGES.map(({ name }) => name), CHART_NAME];

/** How a registry is reached that does not answer as it should. */
export const WAYS_IN =
  'Credentials: "docker login", DOCKER_CONFIG, for release:push also --user. No TLS: --plain-http. An authority of your own: SSL_CERT_FILE';

/** A release and where it goes. */
export interface Push {
  /** The release's folder. */
  folder: string;
  /** Host and path. */
  registry: string;
  plainHttp: boolean;
  oras: string;
  /** A file in docker's form; docker's own where left out. */
  credentials?: string;
}

/** Push images, chart, bills of materials, and the signatures that there are. */
export function pushRelease({ folder, registry, plainHttp, oras, credentials }: Push): void {
  const flags = [
    `--to-plain-http=${plainHttp}`, // left out, oras speaks no TLS with localhost
    ...(credentials === undefined ? [] : ['--to-registry-config', credentials]),
  ];
  for (const name of REPOSITORIES)
    for (const kind of ['oci', 'signatures']) {
      const layout = join(folder, kind, name);
      if (existsSync(layout)) pushLayout(layout, `${registry}/${name}`, flags, oras);
    }
}

/** What has a tag goes under that tag. What is attached goes by its digest, and the registry is told of it (OCI's referrers). */
function pushLayout(layout: string, repository: string, to: readonly string[], oras: string): void {
  for (const { digest, annotations = {} } of layoutEntries(layout)) {
    const tag = annotations['org.opencontainers.image.ref.name'];
    const target = tag === undefined ? repository : `${repository}:${tag}`;
    // By its digest: a tag would be looked for behind the first @ of the folder's name.
    const copy = ['cp', '--no-tty', '--from-oci-layout', ...to, `${layout}@${digest}`, target];
    const { status, stdout, stderr } = attempt(oras, copy, { env: ownEnvironment() });
    if (status !== 0)
      throw new ReleaseError(`${target} cannot be pushed: ${`${stderr}${stdout}`.trim()}\n${WAYS_IN}`);
  }
}
