/** Exit codes of containers, as containerd tells them at that moment: those of a deleted pod may reach no status any more. */
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { until } from '../kubectl.ts';
import { containerdEvents } from '../node.ts';

/** containerd's TaskExit, as `ctr events` prints it: without the code where that is 0. */
const EXIT = z.object({ container_id: z.string(), id: z.string(), exit_status: z.int().default(0) });

/**
 * Listen from now on until the test ends.
 * @param stir makes something happen in containerd, so that it can be heard that it is listened to
 * @returns the code of a container by its id at containerd, once that has ended
 */
export async function watchExits(
  t: TestContext,
  stir: () => Promise<unknown>,
): Promise<(id: string) => Promise<number>> {
  const codes = new Map<string, number>();
  let heard = false;
  const ended = new AbortController();
  t.after(() => ended.abort());
  createInterface({ input: await containerdEvents(ended.signal) }).on('line', (line) => {
    heard = true;
    const json = /^.* \/tasks\/exit (\{.*\})$/.exec(line)?.[1];
    if (json === undefined) return;
    const exit = EXIT.parse(JSON.parse(json));
    // Others are processes that were started in the container later: probes, hooks, execs.
    if (exit.id === exit.container_id) codes.set(exit.id, exit.exit_status);
  });
  await until('containerd says what happens', async () => {
    if (!heard) await stir();
    return heard || undefined;
  });
  return (id) => until(`the end of container ${id}`, () => codes.get(id));
}
