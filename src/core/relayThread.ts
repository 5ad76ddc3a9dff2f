/** A relay in a worker thread, with the worker that was built beside this file. */
import path from 'node:path';
import type { Relay, RelayOptions } from './api.js';
import { startRelayThread as startThread } from './relay/thread.js';

/**
 * Starts a relay whose sockets live in a thread of their own.
 *
 * @param workerFile - the built `relayWorker.js`; default: the one beside this file
 * @throws CrocError `port_taken`, `cannot_listen`
 */
export function startRelayThread(
  options: RelayOptions = {},
  workerFile: string = path.join(__dirname, 'relayWorker.js'),
): Promise<Relay> {
  return startThread(options, workerFile);
}
