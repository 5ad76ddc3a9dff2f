/** Starting the thread of a transfer: when it is needed, or a little before. */
import { Worker } from 'node:worker_threads';

/**
 * Room of a worker for objects that were just made, in MiB. Its objects die young or live as long as the
 * offer, so more room (48 MiB by default) only means more memory in use between two collections.
 */
const YOUNG_MIB = 8;

/** A thread that was started before anybody needed it. */
let early: { readonly file: string; readonly worker: Worker } | undefined;

/**
 * Starts the thread of the next transfer, so that it loads beside what this thread still does. It keeps no
 * program from ending; what the environment holds now is what it sees.
 *
 * @param file - the built worker.ts of the transfer
 */
export function prepareThread(file: string): void {
  early ??= { file, worker: start(file) };
  early.worker.unref();
}

/** The thread of one transfer. @param file - as in `prepareThread`; another one there is of no use and ends */
export function threadFor(file: string): Worker {
  const prepared = early;
  early = undefined;
  if (prepared?.file === file) {
    prepared.worker.ref();
    return prepared.worker;
  }
  void prepared?.worker.terminate();
  return start(file);
}

function start(file: string): Worker {
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB };
  return new Worker(file, { name: 'croc transfer', execArgv: [], resourceLimits });
}
