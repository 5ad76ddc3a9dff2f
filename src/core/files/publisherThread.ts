/** Entry of the thread that gives final names (dist/publisher.js); publisher.ts starts it and asks. */
import { linkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { decodeMoves, type Move } from './moves.js';
import { removeQuietly } from './partFile.js';
import type { PublisherData } from './publisher.js';

const port = parentPort;
const { halted } = workerData as PublisherData;

port?.on('message', (moves: string) => port.postMessage(nameAll(decodeMoves(moves))));
port?.postMessage(0);

/** @returns how many have their name now */
function nameAll(moves: Iterable<Move>): number {
  let named = 0;
  for (const [from, to] of moves) {
    if (Atomics.load(halted, 0) !== 0) break;
    try {
      linkSync(from, to);
    } catch {
      // Who asked finds out why.
      Atomics.store(halted, 0, 1);
      break;
    }
    named += 1;
    removeQuietly(from);
  }
  return named;
}
