/** The state machines under search: the shim's own, or a copy that was broken on purpose. */
import { pathToFileURL } from 'node:url';
import { doneBefore } from '../../shim/lifecycle.ts';
import { startMain, stepMain } from '../../shim/main-lifecycle.ts';
import { startSidecar, stepSidecar } from '../../shim/sidecar-lifecycle.ts';
import { spokenMarker } from '../../shim/spoken-word.ts';

export interface Machines {
  doneBefore: typeof doneBefore;
  startMain: typeof startMain;
  stepMain: typeof stepMain;
  startSidecar: typeof startSidecar;
  stepSidecar: typeof stepSidecar;
  spokenMarker: typeof spokenMarker;
}

export const SHIPPED: Machines = { doneBefore, startMain, stepMain, startSidecar, stepSidecar, spokenMarker };

/** The machines in another folder that holds a copy of `shim/`. */
export async function machinesIn(folder: string): Promise<Machines> {
  const words: Pick<Machines, 'doneBefore'> = await import(pathToFileURL(`${folder}/lifecycle.ts`).href);
  const main: Pick<Machines, 'startMain' | 'stepMain'> = await import(
    pathToFileURL(`${folder}/main-lifecycle.ts`).href
  );
  const sidecar: Pick<Machines, 'startSidecar' | 'stepSidecar'> = await import(
    pathToFileURL(`${folder}/sidecar-lifecycle.ts`).href
  );
  const word: Pick<Machines, 'spokenMarker'> = await import(pathToFileURL(`${folder}/spoken-word.ts`).href);
  return {
    spokenMarker: word.spokenMarker,
    doneBefore: words.doneBefore,
    startMain: main.startMain,
    stepMain: main.stepMain,
    startSidecar: sidecar.startSidecar,
    stepSidecar: sidecar.stepSidecar,
  };
}
