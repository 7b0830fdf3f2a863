/**
 * `curfew-shim status`: what the shims of the pod have told each other, for people and for `curfew why`. It runs in any wrapped container, by
 * `kubectl exec`, and only reads: it writes nothing to the rendezvous, takes no life line, and wakes nobody.
 */
import host from 'host';
import { CARD_SIZE, isName, parseCard } from './card.ts';
import { EAGAIN, HostError } from './errors.ts';
import { openLife } from './life-line.ts';
import { MARKER_SIZE, MAX_EPOCH, parseMarker } from './marker.ts';
import { statePath } from './marker-file.ts';
import type { StatusOptions } from './protocol.ts';
import { readReason } from './reason-file.ts';
import { formatStatus, type Sight, statusOf } from './status-view.ts';
import { readText } from './whole-file.ts';

const POLLIN = 1;
const STDOUT = 1;
/** A pod has 128 containers at most; what others make of the folder is not read for ever. */
const MOST_SIGHTS = 256;

/**
 * Print it.
 * @throws {HostError} where there is no rendezvous
 */
export function printStatus({ run, output }: StatusOptions): void {
  const files = host.list(run);
  if (typeof files === 'number') throw new HostError('read', run, files);
  const ofContainers = files.flatMap((file) => nameIn(file, '.life') ?? nameIn(file, '.state') ?? []);
  const names = [...new Set(ofContainers)].sort().slice(0, MOST_SIGHTS);
  const epoch = readText(`${run}/epoch`, MAX_EPOCH)?.trim() ?? '';
  const containers = statusOf(
    names.map((name) => see(run, name)),
    epoch,
  );
  const text =
    output === 'json' ? `${JSON.stringify({ version: 1, containers })}\n` : formatStatus(containers);
  host.write(STDOUT, text, -1);
}

function nameIn(file: string, end: string): string | undefined {
  const name = file.endsWith(end) ? file.slice(0, -end.length) : '';
  return isName(name) ? name : undefined;
}

function see(folder: string, name: string): Sight {
  const state = stateOf(folder, name);
  const { marker, age } = state;
  // To look at the life line of one that is down wakes those who listen to it, for nothing: only where its marker does not tell.
  const life = marker === undefined || marker.phase === 'ended' ? { alive: false } : lifeOf(folder, name);
  const why = age === undefined ? undefined : readReason(folder, name, age);
  return { ...state, name, ...life, ...(why === undefined ? {} : { why }) };
}

function stateOf(folder: string, name: string): Pick<Sight, 'marker' | 'card' | 'age'> {
  const fd = host.open(statePath(folder, name), 'r');
  if (fd < 0) return {};
  const text = host.read(fd, MARKER_SIZE + CARD_SIZE);
  const age = host.age(fd);
  host.close(fd);
  const marker = typeof text === 'string' ? parseMarker(text.slice(0, MARKER_SIZE)) : undefined;
  if (typeof text !== 'string' || marker === undefined) return {};
  const card = parseCard(text.slice(MARKER_SIZE));
  return { marker, ...(card === undefined ? {} : { card }), ...(age < 0 ? {} : { age }) };
}

/** Whether its shim holds its life line. Last words that lie in it are left to those whom they are for (`spoken-word.ts`). */
function lifeOf(folder: string, name: string): Pick<Sight, 'alive' | 'spoken'> {
  const fd = openLife(folder, name);
  if (fd < 0) return { alive: null };
  const words = host.poll([fd], [POLLIN], 0);
  const spoken = typeof words !== 'number' && ((words[0] ?? 0) & POLLIN) !== 0;
  const alive = !spoken && host.read(fd, 1) === -EAGAIN;
  host.close(fd);
  return { alive, spoken };
}
