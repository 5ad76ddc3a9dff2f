/** The recipient's data plane: offer, answer, data, done. */
import { PeerError, integerOf, isFields, listOf } from './fields.js';
import { Collector, decodePieces, itemOf, totalsOf } from './files.js';
import type { Item } from './files.js';
import { CONTROL, DATA, END } from './lane.js';
import type { Lane } from './lane.js';
import { HELLO, hearHello, hearMessage, keepAlive } from './send.js';

const CLOSE_MS = 5000;

/** Hears `entries` until `offer`, and checks its counts. */
export async function hearOffer(lane: Lane): Promise<Item[]> {
  const items: Item[] = [];
  for (;;) {
    const message = await hearMessage(lane);
    if (message['t'] === 'entries')
      for (const entry of listOf(message, 'entries')) {
        if (!isFields(entry)) throw new PeerError('protocol_error', 'entry');
        items.push(itemOf(entry));
      }
    if (message['t'] !== 'offer') continue;
    for (const [name, value] of Object.entries(totalsOf(items)))
      if (integerOf(message, name) !== value) throw new PeerError('protocol_error', name);
    return items;
  }
}

/** Names entries. @param wanted - indices, ascending */
export async function answer(
  lane: Lane,
  items: readonly Item[],
  wanted: readonly number[],
): Promise<void> {
  const ranges: [number, number][] = [];
  for (const index of wanted) {
    const last = ranges.at(-1);
    if (last !== undefined && last[0] + last[1] === index) last[1] += 1;
    else ranges.push([index, 1]);
  }
  const { count, bytes } = totalsOf(items.filter((_, index) => wanted.includes(index)));
  await lane.say({ t: 'want', ranges });
  await lane.say({ t: 'answer', accept: true, count, bytes });
}

/** Reads one lane up to its end and the half-close. */
export async function drain(lane: Lane, collector: Collector, onTaken: () => void): Promise<void> {
  for (;;) {
    const { type, rest } = await lane.next();
    if (type === END) return;
    if (type === DATA) {
      for (const piece of decodePieces(rest)) collector.take(piece);
      onTaken();
    } else if (type !== CONTROL || lane.index !== 0) {
      throw new PeerError('protocol_error', `record of type ${type}`);
    }
  }
}

/**
 * The whole data plane of a recipient.
 * @param choose - which entries to name; default: all of them. Nothing named is still an acceptance
 * @returns the named items with their bytes
 */
export async function receiveItems(
  lanes: readonly Lane[],
  choose: (item: Item) => boolean = () => true,
): Promise<Item[]> {
  const [control] = lanes;
  if (control === undefined) throw new PeerError('protocol_error', 'no lanes');
  const stop = keepAlive(control);
  try {
    await control.say(HELLO);
    await hearHello(control);
    const items = await hearOffer(control);
    const wanted = items.flatMap((item, index) => (choose(item) ? [index] : []));
    await answer(control, items, wanted);
    const collector = new Collector(items, new Set(wanted));
    let toldMs = performance.now();
    const tell = (): void => {
      if (performance.now() - toldMs < 100) return;
      toldMs = performance.now();
      void control.say({ t: 'have', bytes: collector.received });
    };
    await Promise.all(lanes.map((lane) => drain(lane, collector, tell)));
    collector.checkWhole();
    const named = items.filter((_, index) => wanted.includes(index));
    const { files, bytes } = totalsOf(named);
    await control.say({ t: 'done', files, bytes });
    await Promise.all(lanes.map((lane) => lane.end()));
    await closed(lanes);
    return named;
  } finally {
    stop();
  }
}

/** Waits until the sender's direction of every lane is over, too, at most five seconds. */
async function closed(lanes: readonly Lane[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
  await Promise.race([Promise.all(lanes.map((lane) => lane.reader.over())), late]);
  clearTimeout(timer);
}

/** Says no. */
export async function decline(lanes: readonly Lane[]): Promise<void> {
  const [control] = lanes;
  await control?.say({ t: 'answer', accept: false, count: 0, bytes: 0 });
  await Promise.all(lanes.map((lane) => lane.end()));
}
