/** What our library does to the process that runs it, and many transfers to a relay. */
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Croc } from '../../src/core/croc.js';
import type { BenchOptions, Figure, Outcome } from './cases.js';
import { LOOPBACK, openCrocShare, startRelay } from './contestants.js';
import { CLI, Child, DIST, shell, withFolder } from './processes.js';

/** Transfers at once that one relay has to carry. */
const AT_ONCE = 50;
/** What each of them moves, MiB. */
const EACH_MIB = 8;

/** The event loop of a host that runs the library, while a large file passes; beside an idle one. */
export async function hostDelay({ sizeMiB }: BenchOptions): Promise<Outcome> {
  return withFolder(async (folder) => {
    const file = path.join(folder, 'large');
    await shell(`head -c ${sizeMiB}M /dev/urandom > large`, folder);
    const [relay, url] = await startRelay([], LOOPBACK.host);
    const croc = new Croc({ relay: url, distFolder: DIST });
    const cli = (...args: string[]): Child =>
      new Child([process.execPath, CLI, ...args, '--relay', url, '--json']);
    try {
      const send = async (): Promise<void> => {
        const sent = await croc.send([file]);
        const out = await mkdtemp(path.join(folder, 'out-'));
        const recipient = cli('receive', sent.code, '--out', out, '--yes');
        await sent.done;
        await recipient.finishes();
      };
      const receive = async (): Promise<void> => {
        const sender = cli('send', file);
        const offer = await croc.receive(await sender.says(/"code":"([^"]+)"/));
        await offer.accept({ to: await mkdtemp(path.join(folder, 'out-')) }).done;
        await sender.finishes();
      };
      const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2000));
      const figures = [
        ...(await delayDuring('idle', idle)),
        ...(await delayDuring('sending', send)),
        ...(await delayDuring('receiving', receive)),
      ];
      const title = `Event loop of a host that runs the library, ${sizeMiB} MiB each way`;
      return { title, figures, skipped: [] };
    } finally {
      await relay.stop();
    }
  });
}

async function delayDuring(what: string, work: () => Promise<void>): Promise<Figure[]> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await work();
  histogram.disable();
  const ms = (value: number): number => value / 1e6;
  return [
    { what: `${what}: delay p50`, value: ms(histogram.percentile(50)), unit: 'ms' },
    { what: `${what}: delay p99`, value: ms(histogram.percentile(99)), unit: 'ms' },
    { what: `${what}: delay max`, value: ms(histogram.max), unit: 'ms' },
  ];
}

/** Memory of a relay that carries many transfers at once, all accepted in the same moment. */
export async function manyTransfers(): Promise<Outcome> {
  return withFolder(async (folder) => {
    await shell(`head -c ${EACH_MIB}M /dev/urandom > it`, folder);
    const file = path.join(folder, 'it');
    const warm = await openCrocShare(LOOPBACK, folder);
    if (typeof warm === 'string') throw new Error(warm);
    await warm.stop();
    const [relay, url] = await startRelay([], LOOPBACK.host);
    const croc = new Croc({ relay: url, distFolder: DIST });
    try {
      const before = relay.peakMiB;
      const sends = [];
      const offers = [];
      for (let at = 0; at < AT_ONCE; at += 1) {
        const send = await croc.send([file]);
        sends.push(send.done);
        offers.push(await croc.receive(send.code));
      }
      const startedMs = performance.now();
      const receives = offers.map(async (offer) => {
        await offer.accept({ to: await mkdtemp(path.join(folder, 'out-')) }).done;
      });
      await Promise.all([...sends, ...receives]);
      const seconds = (performance.now() - startedMs) / 1000;
      const figures = [
        { what: 'relay, idle', value: before, unit: 'MiB' },
        { what: `relay, more for ${AT_ONCE} at once`, value: relay.peakMiB - before, unit: 'MiB' },
        { what: 'all together', value: (AT_ONCE * EACH_MIB) / seconds, unit: 'MiB/s' },
      ];
      return { title: `${AT_ONCE} transfers of ${EACH_MIB} MiB at once`, figures, skipped: [] };
    } finally {
      await relay.stop();
    }
  });
}
