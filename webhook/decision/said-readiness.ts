import { parseReadiness, type Readiness } from '../../shim/protocol.ts';
import { isRecord, type JsonRecord, member } from '../shared/json.ts';
import type { KnownSidecar, ReadySettings } from './known-sidecar.ts';
import type { PodView } from './pod.ts';

/** A known sidecar's container, by what says where its readiness endpoint is. */
export interface SaidBy {
  pod: PodView;
  raw: JsonRecord;
  /** Named ports. */
  ports: ReadonlyMap<string, number>;
  /** All that it runs. */
  words: readonly string[];
}

/** The catalogue's readiness for one container. */
export type SaidReadiness =
  /** moved: the setting that gives another port. isOpen: it listens on the pod's own address too, where the kubelet can ask it. */
  | { kind: 'known'; ready: Readiness; moved?: string; isOpen: boolean }
  /** The endpoint is not there; onlyWith: the settings that would open it. */
  | { kind: 'off'; onlyWith?: readonly string[] }
  /** The setting's value cannot be read here: a Secret's, a host name. */
  | { kind: 'unclear'; setting: string };

/**
 * Where the catalogue's readiness endpoint is in this container: at its default, or where its flags, environment or ports say.
 * @returns undefined where the catalogue has none
 */
export function saidReadiness({ ready, settings = {} }: KnownSidecar, by: SaidBy): SaidReadiness | undefined {
  const standard = ready === undefined ? undefined : parseReadiness(ready);
  if (standard === undefined) return undefined;
  if (isOff(settings, by)) return { kind: 'off', ...pick(settings) };
  if (standard.kind !== 'http' && standard.kind !== 'tcp')
    return { kind: 'known', ready: standard, isOpen: true };
  const place = { ...standard };
  let moved: string | undefined;
  let isOpen = settings.isOpen === true;
  for (const part of ['host', 'port'] as const) {
    const said = firstSaid(settings[part] ?? [], by);
    if (said === undefined) continue;
    const address = said.value === undefined ? undefined : parseAddress(said.value, part);
    if (address === undefined) return { kind: 'unclear', setting: said.setting };
    if (address.host !== undefined) place.host = address.host;
    isOpen = address.isOpen ?? isOpen;
    if (address.port === undefined || address.port === standard.port) continue;
    place.port = address.port;
    moved = said.setting;
  }
  return { kind: 'known', ready: place, isOpen, ...(moved === undefined ? {} : { moved }) };
}

function pick({ onlyWith }: ReadySettings): { onlyWith?: readonly string[] } {
  return onlyWith === undefined ? {} : { onlyWith };
}

function isOff({ onlyWith, unless }: ReadySettings, by: SaidBy): boolean {
  if (unless !== undefined && by.pod.annotations !== undefined) {
    const [key, value] = unless;
    if (member(by.pod.annotations, key) === value) return true;
  }
  return onlyWith !== undefined && !onlyWith.some((setting) => isOn(setting, by));
}

function isOn(setting: string, by: SaidBy): boolean {
  const said = firstSaid([setting], by);
  return said !== undefined && !/^(?:f|false|0|)$/i.test(said.value ?? '');
}

/** The first of the settings that is set; its value is undefined where it cannot be read here. */
function firstSaid(
  settings: readonly string[],
  by: SaidBy,
): { setting: string; value: string | undefined } | undefined {
  for (const setting of settings) {
    if (setting.startsWith(':')) {
      const port = by.ports.get(setting.slice(1));
      if (port !== undefined) return { setting: `port ${setting.slice(1)}`, value: String(port) };
      continue;
    }
    const text = setting.startsWith('-') ? flagValue(setting, by.words) : variable(setting, by.raw);
    if (text !== undefined) return { setting, value: text === UNREADABLE ? undefined : expand(text, by.raw) };
  }
  return undefined;
}

/** A variable whose value stands elsewhere: in a Secret, in a field of the pod. */
const UNREADABLE = Symbol('unreadable');

/** The value of a flag: `--flag=value`, `-flag=value`, `--flag value`; `true` where there is none. The last one counts. */
function flagValue(flag: string, words: readonly string[]): string | undefined {
  const name = flag.replace(/^-+/, '');
  let value: string | undefined;
  for (const [index, word] of words.entries()) {
    const [, own, given] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word.slice(0, MAX_FLAG)) ?? [];
    if (own !== name) continue;
    const next = words[index + 1];
    value = given ?? (next === undefined || next.startsWith('-') ? 'true' : next);
  }
  return value;
}

/** Longer than any flag with an address. */
const MAX_FLAG = 512;

/** A variable of the container itself; the last of its name counts. Those of envFrom are not seen here. */
function variable(name: string, raw: JsonRecord): string | typeof UNREADABLE | undefined {
  const env = member(raw, 'env');
  if (!Array.isArray(env)) return undefined;
  const found: unknown = env.findLast((entry: unknown) => isRecord(entry) && member(entry, 'name') === name);
  if (!isRecord(found)) return undefined;
  const value = member(found, 'value');
  if (member(found, 'valueFrom') !== undefined) return UNREADABLE;
  return typeof value === 'string' ? value : '';
}

/** As the kubelet expands it. @returns undefined where a variable's value stands elsewhere */
function expand(text: string, raw: JsonRecord): string | undefined {
  let readable = true;
  const expanded = text.replace(/\$\$|\$\(([^)]*)\)/g, (reference: string, name: string | undefined) => {
    if (name === undefined) return '$';
    const value = variable(name, raw);
    if (value === UNREADABLE) readable = false;
    return typeof value === 'string' ? value : reference;
  });
  return readable ? expanded : undefined;
}

/** Where something listens. Without a host it answers from inside the pod at its loopback address. */
interface Address {
  host?: string;
  port?: number;
  /** On all of the pod's addresses; undefined where the text does not say it. */
  isOpen?: boolean;
}

const ALL = /^(?:|0\.0\.0\.0|::)$/;
const LOOPBACK = /^(?:localhost|127\..*|::1)$/;

/**
 * `8080`, `:8080`, `0.0.0.0:8080`, `[::]:8080`, `10.0.0.1`.
 * @param kind what a text without colon is
 * @returns undefined where it is none that the shim can ask
 */
function parseAddress(text: string, kind: 'host' | 'port'): Address | undefined {
  if (kind === 'host') return parseHost(text);
  const [, authority, digits = ''] = /^(?:(.*):)?([0-9]{1,5})$/.exec(text.slice(0, MAX_FLAG)) ?? [];
  const host = authority === undefined ? {} : parseHost(authority);
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { ...host, port };
}

function parseHost(text: string): Address | undefined {
  const host = text.replace(/^\[(.*)\]$/, '$1');
  if (ALL.test(host)) return { isOpen: true };
  if (LOOPBACK.test(host)) return { isOpen: false };
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return parseReadiness(`tcp://${bracketed}:1`) === undefined ? undefined : { host, isOpen: false };
}
