/**
 * Bugs put in on purpose, one or more for each rule: what the search is worth is what it finds. Each is a change of a
 * copy of the shim's sources; the search must find it, by that rule, in a pod as small as that one.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Break } from './break.ts';
import { RESTART_BREAKS } from './breaks-restart.ts';
import { START_BREAKS } from './breaks-start.ts';
import { STOP_BREAKS } from './breaks-stop.ts';
import { WAIT_BREAKS } from './breaks-wait.ts';
import { type Machines, machinesIn } from './machines.ts';

export const BREAKS: readonly Break[] = [...START_BREAKS, ...RESTART_BREAKS, ...STOP_BREAKS, ...WAIT_BREAKS];

/** The machines with this bug in them. `remove` the copy when the search is over. */
export async function brokenMachines(bug: Break): Promise<{ machines: Machines; remove: () => void }> {
  const folder = mkdtempSync(`${tmpdir()}/curfew-broken-`);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  cpSync(fileURLToPath(new URL('../../shim', import.meta.url)), folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, '{"type":"module"}\n');
  const path = `${folder}/${bug.file}`;
  const text = readFileSync(path, 'utf8');
  if (text.split(bug.from).length !== 2) {
    remove();
    throw new Error(`shim/${bug.file} does not hold this text once: ${bug.from}`);
  }
  writeFileSync(
    path,
    text.replace(bug.from, () => bug.to),
  );
  return { machines: await machinesIn(folder), remove };
}
