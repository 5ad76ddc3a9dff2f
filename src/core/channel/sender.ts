/** The sender as a state machine (docs/protocol.md, "The two clients"): one function a transition. */
import { CrocError } from '../errors.js';
import { confirmations, sameBytes, startExchange, transcriptHash } from '../pake/channel.js';
import type { SenderExchange, SessionKey } from '../pake/channel.js';
import type { CurveName } from '../types.js';
import { encodeBase64 } from '../wire/http.js';
import type { ChannelAnswer } from '../wire/http.js';
import {
  awaitChannel,
  bounded,
  boundedByPeer,
  bytesOf,
  joinPatiently,
  runStates,
} from './client.js';
import type { ClientContext, Closed, Member } from './client.js';
import type { SenderState } from './states.js';

/** What a sender needs beside its surroundings. */
export interface SenderOptions {
  /** Its own name for the channel; undefined lets the relay choose. */
  readonly channel: string | undefined;
  /** The secret part of the code. */
  readonly secret: string;
  readonly curve: CurveName;
  /** Told once the code can be shown. */
  readonly onOpen: (member: Member) => void;
}

/** Each state with what is known in it. */
type Step =
  | { readonly state: 'initialize' }
  | { readonly state: 'awaiting-y'; readonly opened: Opened; readonly known: ChannelAnswer }
  | { readonly state: 'verifying'; readonly opened: Opened; readonly reply: Reply }
  | { readonly state: 'connecting'; readonly opened: Opened; readonly agreed: Agreed }
  | { readonly state: 'awaiting-staple'; readonly known: ChannelAnswer }
  | { readonly state: 'sending' };

interface Opened {
  readonly member: Member;
  readonly exchange: SenderExchange;
}
interface Reply {
  readonly y: Uint8Array;
  readonly hh_k: Uint8Array;
}
interface Agreed {
  readonly key: SessionKey;
  readonly h_k: Uint8Array;
  readonly y: Uint8Array;
}

/** Runs a sender from `initialize` to `closed`. */
export class Sender<Result> {
  readonly #context: ClientContext<SenderState, Result>;
  readonly #options: SenderOptions;

  constructor(context: ClientContext<SenderState, Result>, options: SenderOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Runs to the end. The caller closes channel and data plane. @throws CrocError */
  run(): Promise<Result> {
    return runStates<Step, Result>(this.#context, { state: 'initialize' }, (step) =>
      this.#advance(step),
    );
  }

  #advance(step: Step): Promise<Step | Closed<Result>> {
    switch (step.state) {
      case 'initialize':
        return this.#initialize();
      case 'awaiting-y':
        return this.#awaitY(step.opened, step.known);
      case 'verifying':
        return this.#verify(step.opened, step.reply);
      case 'connecting':
        return this.#connect(step.opened, step.agreed);
      case 'awaiting-staple':
        return this.#awaitStaple(step.known);
      case 'sending':
        return this.#send();
    }
  }

  async #initialize(): Promise<Step> {
    const { relay, timing, random } = this.#context;
    const { channel, secret, curve, onOpen } = this.#options;
    const member = await joinPatiently(this.#context, 'sender', channel, curve);
    return bounded(this.#context, timing.initializeMs, 'relay_silent', async (signal) => {
      const exchange = startExchange({ curve, channel: member.channel, secret }, random);
      const known = await relay.update({ x: encodeBase64(exchange.x) }, signal);
      onOpen(member);
      return { state: 'awaiting-y', opened: { member, exchange }, known };
    });
  }

  #awaitY(opened: Opened, known: ChannelAnswer): Promise<Step> {
    const { relay, timing } = this.#context;
    return bounded(this.#context, timing.waitMs, 'nobody_came', async (signal) => {
      const reply = await awaitChannel(relay, known, signal, ({ y, hh_k }) =>
        y !== undefined && hh_k !== undefined ? { y: bytesOf(y), hh_k: bytesOf(hh_k) } : undefined,
      );
      return { state: 'verifying', opened, reply };
    });
  }

  /** One wrong guess burns the code: whoever runs us closes the channel on any error. */
  #verify(opened: Opened, { y, hh_k }: Reply): Promise<Step> {
    const key = opened.exchange.finish(y);
    const confirmed = confirmations(key);
    if (!sameBytes(confirmed.hh_k, hh_k)) throw new CrocError('wrong_code');
    const agreed = { key, h_k: confirmed.h_k, y };
    return Promise.resolve({ state: 'connecting', opened, agreed });
  }

  #connect(opened: Opened, { key, h_k, y }: Agreed): Promise<Step> {
    const { relay, data, timing } = this.#context;
    const { member, exchange } = opened;
    const { channel, curve, uuid } = member;
    return bounded(this.#context, timing.stepMs, 'timed_out', async (signal) => {
      const transcript = transcriptHash(channel, curve, exchange.x, y);
      const secrets = { key, transcript };
      const place = await relay.lanes();
      const target = { role: 'sender', ...place, channel, uuid, secrets } as const;
      // Connecting takes a round trip, too.
      const told = relay.update({ h_k: encodeBase64(h_k) }, signal);
      const [known] = await Promise.all([told, data.connect(target, told)]);
      return { state: 'awaiting-staple', known };
    });
  }

  /**
   * The data plane runs already, so that a lane that is lost meanwhile comes back. It also knows best when the
   * channel is closed: perhaps everything has arrived by then.
   */
  async #awaitStaple(known: ChannelAnswer): Promise<Step> {
    const { relay, data } = this.#context;
    data.start();
    const over = data.result.then(() => true as const);
    over.catch(() => undefined);
    await boundedByPeer(this.#context, (signal) => {
      // A process that took the channel over and has more ports never says so of all of them.
      const moved = ({ ports }: ChannelAnswer): boolean => ports.length !== known.ports.length;
      const found = (answer: ChannelAnswer): true | undefined =>
        answer.stapled || moved(answer) || undefined;
      const stapled = awaitChannel(relay, known, signal, found);
      return Promise.race([over, stapled.catch((error: unknown) => endedBy(error, over))]);
    });
    return { state: 'sending' };
  }

  /** The data plane has its own deadlines: it ends when the peer is silent for too long. */
  async #send(): Promise<Closed<Result>> {
    return { state: 'closed', result: await this.#context.data.result };
  }
}

/** What a relay that knows the channel no more means: what the data plane says. @throws any other error */
async function endedBy(error: unknown, over: Promise<true>): Promise<true> {
  const closed = error instanceof CrocError && error.code === 'channel_closed';
  if (closed) return over;
  throw error;
}
