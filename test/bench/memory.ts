/**
 * Memory that this machine holds on to. A virtual machine gives free memory back to its host, and to get it again takes
 * seconds a GiB: then what one program freed decides how fast the next one seems.
 */
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';

const BLOCK_BYTES = 1024 * 1024;
const PAGE_BYTES = 4096;
const IN_MEMORY = '/dev/shm/';

/**
 * Takes memory and frees all of it but one page of each MiB. Only whole free blocks of some MiB go back to the host, and pieces
 * are what the kernel gives out first. Blocks for some seconds.
 *
 * @param folder - memory is held for as long as it exists; of one that is not in memory nothing is
 * @param mebibytes - how much
 */
export function holdMemory(folder: string, mebibytes: number): void {
  if (!folder.startsWith(IN_MEMORY)) return;
  const held = openSync(path.join(folder, 'held'), 'wx');
  const freed = openSync(path.join(folder, 'freed'), 'wx');
  try {
    for (let block = 0; block < mebibytes; block += 1) {
      writeSync(freed, Buffer.alloc(BLOCK_BYTES - PAGE_BYTES));
      writeSync(held, Buffer.alloc(PAGE_BYTES));
    }
  } finally {
    closeSync(held);
    closeSync(freed);
    unlinkSync(path.join(folder, 'freed'));
  }
}
