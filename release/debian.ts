/** Debian packages of any suite and architecture, through a private state of apt: the machine's own stays as it is. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Architecture, type LockedPackage, PLATFORMS } from './debian-lock.ts';
import { attempt, ReleaseError } from './program.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const DEB822 = '/etc/apt/sources.list.d/debian.sources';
const ONE_LINE = '/etc/apt/sources.list';

/** The package lists of both suites, fetched when they are first needed. */
export class Debian {
  private readonly folder: string;
  private updated = false;
  /** What is said beside a package that is not found, where lists are missing. */
  private missing = '';

  /** @param folder its state, which it makes */
  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * The newest of a suite, with its updates and security updates.
   * @throws {ReleaseError} where it has no such package
   */
  find(
    suite: string,
    names: readonly string[],
    architecture: Architecture,
  ): Omit<LockedPackage, 'purpose'>[] {
    return names.map((name) => {
      const [version] = this.apt('apt-cache', ['madison', `${name}:${architecture}`])
        .split('\n')
        .map((line) => line.split('|').map((cell) => cell.trim()))
        .filter(([, , source = '']) => new RegExp(` ${suite}(-\\w+)?/main `).test(source))
        .map(([, found = '']) => found)
        .sort((one, other) => (isNewer(one, other) ? -1 : 1));
      if (version === undefined)
        throw new ReleaseError(`Debian ${suite} has no ${name}:${architecture}${this.missing}`);
      const text = this.apt('apt-cache', ['show', `${name}:${architecture}=${version}`]);
      const field = (key: string) => new RegExp(`^${key}: (.+)$`, 'm').exec(text)?.[1] ?? '';
      const kind = field('Architecture') === 'all' ? 'all' : architecture;
      return { name, version, architecture: kind, sha256: field('SHA256') };
    });
  }

  /**
   * The .deb of a locked package, from the cache or from a mirror.
   * @param cache a folder that stays, where each file is kept by its checksum
   * @throws {ReleaseError} where the mirror no longer has that version, or has other bytes under it
   */
  fetch(item: LockedPackage, cache: string): string {
    const kept = join(cache, `${item.name}_${item.architecture}_${item.sha256.slice(0, 16)}.deb`);
    if (existsSync(kept) && sha256(kept) === item.sha256) return kept;
    mkdirSync(cache, { recursive: true });
    const work = mkdtempSync(join(cache, '.fetching-'));
    try {
      const wanted = `${item.name}:${item.architecture}=${item.version}`;
      const { status, stderr } = this.tryApt('apt-get', ['download', wanted], work);
      const [file] = readdirSync(work);
      if (status !== 0 || file === undefined)
        throw new ReleaseError(
          `the Debian mirror has no ${wanted}, which release/debian-lock.json asks for. CURFEW_DEBIAN_MIRROR may name a mirror of Debian's snapshots that has; "npm run release:lock" locks what there is now\n${stderr.trim()}${this.missing}`,
        );
      if (sha256(join(work, file)) !== item.sha256)
        throw new ReleaseError(`${wanted} of the Debian mirror is not the file whose checksum is locked`);
      renameSync(join(work, file), kept);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return kept;
  }

  private apt(program: string, args: readonly string[]): string {
    const { status, stdout, stderr } = this.tryApt(program, args);
    if (status !== 0) throw new ReleaseError(`${program} ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  }

  private tryApt(program: string, args: readonly string[], cwd = this.folder) {
    if (!this.updated) this.update();
    return attempt(program, [...this.options(), ...args], { cwd });
  }

  private options(): string[] {
    const settings = {
      'Dir::State': this.folder,
      'Dir::State::status': '/dev/null',
      'Dir::Cache': join(this.folder, 'cache'),
      'Dir::Etc::sourcelist': join(this.folder, 'sources.list'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::Etc::preferences': '/dev/null',
      'Dir::Etc::preferencesparts': '/dev/null',
      'APT::Sandbox::User': 'root',
      'APT::Update::Post-Invoke::': 'true',
      'Acquire::Check-Valid-Until': 'false', // a snapshot's lists have run out; their signature is still checked
    };
    const architectures = PLATFORMS.map((name) => `-oAPT::Architectures::=${name}`);
    return ['-qq', ...Object.entries(settings).map(([key, value]) => `-o${key}=${value}`), ...architectures];
  }

  private update(): void {
    for (const name of ['lists/partial', 'cache/archives/partial'])
      mkdirSync(join(this.folder, name), { recursive: true });
    const { main, security } = mirrors();
    const lines = ['bookworm', 'bookworm-updates', 'trixie', 'trixie-updates']
      .map((suite) => [main, suite])
      .concat([
        [security, 'bookworm-security'],
        [security, 'trixie-security'],
      ])
      .map(([mirror, suite]) => `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`);
    writeFileSync(join(this.folder, 'sources.list'), lines.join(''));
    // It ends with 0 although lists could not be fetched, so that one mirror that is down does not keep the others from being used.
    const { status, stderr } = attempt('apt-get', [...this.options(), 'update'], { cwd: this.folder });
    const fetched = readdirSync(join(this.folder, 'lists')).some((name) => name.endsWith('_Packages'));
    if (status !== 0 || !fetched)
      throw new ReleaseError(
        `the package lists of ${main} cannot be fetched; CURFEW_DEBIAN_MIRROR can name another mirror\n${stderr.trim()}`,
      );
    this.missing =
      stderr.trim() === '' ? '' : `\nOf the package lists some could not be fetched:\n${stderr.trim()}`;
    this.updated = true;
  }
}

/** The machine's own mirrors, or the one of `CURFEW_DEBIAN_MIRROR`. @throws {ReleaseError} where none is named */
function mirrors(): { main: string; security: string } {
  const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const given = process.env.CURFEW_DEBIAN_MIRROR;
  const all =
    given === undefined
      ? [
          ...[...read(DEB822).matchAll(/^URIs:\s*(\S+)/gm)].map(([, uri = '']) => uri),
          ...[...read(ONE_LINE).matchAll(/^deb\s+(?:\[[^\]]*\]\s*)?(\S+)/gm)].map(([, uri = '']) => uri),
        ]
      : [given];
  const plain = all.map((uri) => uri.replace(/\/$/, ''));
  const main = plain.find((uri) => !uri.endsWith('security'));
  if (main === undefined)
    throw new ReleaseError(
      `no Debian mirror is named in ${DEB822} or ${ONE_LINE}; CURFEW_DEBIAN_MIRROR can name one`,
    );
  const beside = main.replace(/\/debian(?=\/|$)/, '/debian-security');
  return { main, security: plain.find((uri) => uri.endsWith('security')) ?? beside };
}

function isNewer(one: string, other: string): boolean {
  return attempt('dpkg', ['--compare-versions', one, 'gt', other]).status === 0;
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
