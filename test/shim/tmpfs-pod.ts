/** A pod whose rendezvous is a tiny file system of its own, in a mount namespace of its own, that can be filled up. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { TestContext } from 'node:test';
import { Container } from './container.ts';
import { Pod, type PodOptions } from './pod.ts';

/** @param scarce what `fill` leaves none of */
export async function tmpfsPod(
  t: TestContext,
  options: PodOptions,
  scarce: 'blocks' | 'inodes',
): Promise<{ pod: Pod; fill: () => void }> {
  const run = mkdtempSync(`${tmpdir()}/curfew-tmpfs-`);
  const size = scarce === 'blocks' ? 'size=64k' : 'size=1m,nr_inodes=16';
  const script = `mount -t tmpfs -o ${size},mode=0777 none ${run} && echo mounted && exec sleep infinity`;
  const holder = new Container('mounts', ['unshare', '--mount', 'sh', '-c', script], {});
  t.after(async () => {
    await holder.destroy();
    rmSync(run, { recursive: true });
  });
  await holder.says('mounted', 'stdout');
  const process = `/proc/${holder.bystander()}`;
  const prefix = ['nsenter', `--mount=${process}/ns/mnt`];
  const pod = new Pod(t, { ...options, prefix, run, runSeen: `${process}/root${run}` });
  return { pod, fill: () => (scarce === 'blocks' ? fillBlocks(pod.runSeen) : fillInodes(pod.runSeen)) };
}

function fillBlocks(folder: string): void {
  const file = openSync(`${folder}/filler`, 'w');
  try {
    untilFull(() => writeSync(file, Buffer.alloc(512)));
  } finally {
    closeSync(file);
  }
}

function fillInodes(folder: string): void {
  let count = 0;
  untilFull(() => writeFileSync(`${folder}/filler-${count++}`, ''));
}

function untilFull(add: () => void): void {
  for (let tries = 0; tries < 10_000; tries++) {
    try {
      add();
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return;
      throw error;
    }
  }
  throw new Error('this file system does not fill up');
}
