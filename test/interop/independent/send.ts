/** The sender's data plane: offer, answer, data, done. */
import { PeerError, booleanOf, integerOf, listOf, textOf } from './fields.js';
import type { Fields } from './fields.js';
import { encodePieces, entryOf, recordsOf, totalsOf } from './files.js';
import type { Item } from './files.js';
import { DATA } from './lane.js';
import type { Lane } from './lane.js';

const PING_MS = 5000;
const ENTRIES_A_MESSAGE = 1000;

/** What either party says first. */
export const HELLO = { t: 'hello', version: 1, oldest: 1, features: [] };

/** Says `ping` on lane 0 every five seconds. @returns stops it */
export function keepAlive(lane: Lane): () => void {
  const timer = setInterval(() => void lane.say({ t: 'ping' }), PING_MS);
  return () => {
    clearInterval(timer);
  };
}

/** The next message that means something to us. @throws PeerError when the peer cannot go on */
export async function hearMessage(lane: Lane, ...ignored: readonly string[]): Promise<Fields> {
  for (;;) {
    const message = await lane.hear();
    if (message === undefined) throw new PeerError('protocol_error', 'ended too early');
    const t = textOf(message, 't');
    if (t === 'error') throw new PeerError('peer_failed', textOf(message, 'code'));
    if (t === 'cancel') throw new PeerError('peer_cancelled');
    if (t !== 'ping' && !ignored.includes(t)) return message;
  }
}

/** Checks the peer's first message. */
export async function hearHello(lane: Lane): Promise<void> {
  const message = await hearMessage(lane);
  if (message['t'] !== 'hello') throw new PeerError('protocol_error', 'no hello');
  if (integerOf(message, 'oldest') > 1 || integerOf(message, 'version') < 1)
    throw new PeerError('incompatible_version');
  listOf(message, 'features');
}

/** Offers everything. */
export async function offer(lane: Lane, items: readonly Item[]): Promise<void> {
  for (let at = 0; at < items.length; at += ENTRIES_A_MESSAGE)
    await lane.say({
      t: 'entries',
      entries: items.slice(at, at + ENTRIES_A_MESSAGE).map(entryOf),
    });
  await lane.say({ t: 'offer', ...totalsOf(items) });
}

/** Indices in one `want`, ascending and after those before. */
function takeRanges(message: Fields, named: number[], count: number): void {
  for (const range of listOf(message, 'ranges')) {
    if (!Array.isArray(range)) throw new PeerError('protocol_error', 'range');
    const [start, length] = [integerOf({ v: range[0] }, 'v'), integerOf({ v: range[1] }, 'v')];
    if (start <= (named.at(-1) ?? -1) || start + length > count)
      throw new PeerError('protocol_error', 'ranges');
    for (let index = start; index < start + length; index += 1) named.push(index);
  }
}

/** What the recipient wants, or undefined when it declines. */
export async function hearAnswer(
  lane: Lane,
  items: readonly Item[],
): Promise<readonly number[] | undefined> {
  const named: number[] = [];
  for (;;) {
    const message = await hearMessage(lane);
    if (message['t'] === 'want') takeRanges(message, named, items.length);
    if (message['t'] !== 'answer') continue;
    const wanted = totalsOf(items.filter((_, index) => named.includes(index)));
    if (integerOf(message, 'count') !== named.length) throw new PeerError('protocol_error');
    if (integerOf(message, 'bytes') !== wanted.bytes) throw new PeerError('protocol_error');
    return booleanOf(message, 'accept') ? named : undefined;
  }
}

/** Gives records to whichever lane has room. */
export async function sendData(
  lanes: readonly Lane[],
  items: readonly Item[],
  named: readonly number[],
): Promise<void> {
  const records = recordsOf(items, named);
  const feed = async (lane: Lane): Promise<void> => {
    for (const pieces of records) await lane.send(DATA, encodePieces(pieces));
  };
  // One generator feeds all lanes: whoever has room takes the next record.
  await Promise.all(lanes.map((lane) => feed(lane)));
}

/** What `done` says. */
export interface Done {
  readonly files: number;
  readonly bytes: number;
}

/** The whole data plane of a sender over stapled lanes. @throws PeerError */
export async function sendItems(lanes: readonly Lane[], items: readonly Item[]): Promise<Done> {
  const [control] = lanes;
  if (control === undefined) throw new PeerError('protocol_error', 'no lanes');
  const stop = keepAlive(control);
  try {
    await control.say(HELLO);
    await hearHello(control);
    await offer(control, items);
    const named = await hearAnswer(control, items);
    if (named !== undefined) await sendData(lanes, items, named);
    stop();
    await Promise.all(lanes.map((lane) => lane.end()));
    if (named === undefined) throw new PeerError('refused');
    const done = await hearMessage(control, 'have');
    if (done['t'] !== 'done') throw new PeerError('protocol_error', 'no done');
    // The recipient ends its lanes, too.
    for (const lane of lanes)
      if ((await lane.hear()) !== undefined) throw new PeerError('protocol_error', 'after done');
    return { files: integerOf(done, 'files'), bytes: integerOf(done, 'bytes') };
  } finally {
    stop();
  }
}
