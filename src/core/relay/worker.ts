/** Entry of the worker thread that runs a relay (dist/relayWorker.js); thread.ts starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import * as v from 'valibot';
import { withAnnouncement } from '../discovery/announced.js';
import { startRelay } from './relay.js';
import { orderSchema, toPlain, workerDataSchema } from './threadMessages.js';
import type { Report } from './threadMessages.js';

async function main(): Promise<void> {
  const owner = parentPort;
  if (owner === null) throw new Error('the relay worker is not a program of its own');
  const tell = (report: Report): void => owner.postMessage(report);
  try {
    const options = v.parse(workerDataSchema, workerData);
    const relay = await withAnnouncement(await startRelay(options), options);
    relay.watch((stats) => tell({ type: 'changed', stats }));
    owner.on('message', (message: unknown) => {
      const order = v.parse(orderSchema, message);
      if (order.type === 'close') void relay.close();
      else void relay.stats().then((stats) => tell({ type: 'stats', id: order.id, stats }));
    });
    void relay.closed.then((error) => {
      tell(error === undefined ? { type: 'closed' } : { type: 'closed', error: toPlain(error) });
      owner.close(); // nothing else keeps the thread alive
    });
    const { url, localUrl, port, ports, announced } = relay;
    tell({ type: 'listening', url, localUrl, port, ports: [...ports], announced });
  } catch (error) {
    tell({ type: 'failed', error: toPlain(error) });
  }
}

void main();
