/** A second way into the library, for a program that wants to begin before it has loaded the rest (index.ts). */
import path from 'node:path';
import { prepareThread } from './transfer/thread.js';

/** Starts the thread of the one transfer by a relay that this program is about to make. */
export function expectTransfer(): void {
  prepareThread(path.join(__dirname, 'worker.js'));
}
