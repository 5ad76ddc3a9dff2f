/** Our own clients as they are in the product, up to the moment when data could flow. */
import { RelayClient } from '../../../src/core/channel/relayClient.js';
import type { ClientContext } from '../../../src/core/channel/client.js';
import { Recipient } from '../../../src/core/channel/recipient.js';
import { Sender } from '../../../src/core/channel/sender.js';
import { systemClock, systemRandom } from '../../../src/core/edges.js';
import { addressOf } from '../../support/crocRoom.js';
import type { Met, Place } from './clients.js';

const TIMING = { initializeMs: 60_000, waitMs: 600_000, stepMs: 60_000, reconnectMs: 60_000 };
const SECRET = 'lunar-acorn-quilt';

interface Party<State> {
  readonly context: ClientContext<State, undefined>;
  /** Resolves when both have agreed on a key and its lanes could connect. */
  readonly met: Promise<void>;
  readonly stop: AbortController;
  readonly relay: RelayClient;
}

function party<State>({ port }: Place, index: number): Party<State> {
  const url = `http://127.0.0.1:${port}`;
  const localAddress = addressOf(index);
  const relay = new RelayClient({ url, clock: systemClock, answerMs: 60_000, localAddress });
  const stop = new AbortController();
  let met: () => void = () => undefined;
  const meeting = new Promise<void>((resolve) => (met = resolve));
  const data = {
    connect: () => Promise.resolve(met()),
    start: () => undefined,
    result: new Promise<undefined>(() => undefined),
  };
  const edges = { clock: systemClock, random: systemRandom, timing: TIMING };
  const told = { onState: () => undefined, onPeer: () => undefined };
  const context = { relay, data, ...edges, ...told, signal: stop.signal };
  return { context, met: meeting, stop, relay };
}

/** Ours with everything: state machines, key exchange, and what they do about a relay that is slow. */
export async function meetWholly(place: Place, index: number): Promise<Pick<Met, 'leave'>> {
  const [sender, recipient] = [
    party<string>(place, 2 * index),
    party<string>(place, 2 * index + 1),
  ];
  const failed: Promise<never>[] = [];
  const opened = await new Promise<string>((resolve, reject) => {
    const onOpen = ({ channel }: { readonly channel: string }): void => resolve(channel);
    const options = { channel: undefined, secret: SECRET, curve: 'p256', onOpen } as const;
    const running = new Sender(sender.context, options).run().then(unexpected);
    running.catch(reject);
    failed.push(running);
  });
  const options = { channel: opened, secret: SECRET };
  failed.push(new Recipient(recipient.context, options).run().then(unexpected));
  for (const one of failed) one.catch(() => undefined);
  await Promise.race([Promise.all([sender.met, recipient.met]), ...failed]);
  const leave = async (): Promise<void> => {
    for (const { stop } of [sender, recipient]) stop.abort();
    await sender.relay.close();
    for (const { relay } of [sender, recipient]) relay.dispose();
  };
  return { leave };
}

function unexpected(): never {
  throw new Error('a client ended');
}
