/** The recipient as a state machine (docs/protocol.md, "The two clients"): one function a transition. */
import { deferred } from '../async.js';
import { CrocError } from '../errors.js';
import { answerExchange, confirmations, sameBytes, transcriptHash } from '../pake/channel.js';
import { encodeBase64 } from '../wire/http.js';
import {
  awaitChannel,
  bounded,
  boundedByPeer,
  bytesOf,
  joinPatiently,
  runStates,
} from './client.js';
import type { ClientContext, Closed, Member } from './client.js';
import type { RecipientState } from './states.js';

/** What a recipient needs beside its surroundings: the two parts of the code. */
export interface RecipientOptions {
  readonly channel: string;
  readonly secret: string;
}

/** Each state with what is known in it. */
type Step =
  | { readonly state: 'initialize' }
  | { readonly state: 'awaiting-x'; readonly member: Member }
  | { readonly state: 'awaiting-h_k'; readonly member: Member; readonly opened: Opened }
  | { readonly state: 'connecting'; readonly connected: Promise<unknown> }
  | { readonly state: 'receiving' };

interface Opened {
  readonly x: Uint8Array;
  /** Of the channel, with x in it. */
  readonly version: number;
}

/** Runs a recipient from `initialize` to `closed`. */
export class Recipient<Result> {
  readonly #context: ClientContext<RecipientState, Result>;
  readonly #options: RecipientOptions;

  constructor(context: ClientContext<RecipientState, Result>, options: RecipientOptions) {
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
      case 'awaiting-x':
        return this.#awaitX(step.member);
      case 'awaiting-h_k':
        return this.#awaitKey(step.member, step.opened);
      case 'connecting':
        return this.#connect(step.connected);
      case 'receiving':
        return this.#receive();
    }
  }

  async #initialize(): Promise<Step> {
    const { channel } = this.#options;
    const member = await joinPatiently(this.#context, 'recipient', channel, undefined);
    return { state: 'awaiting-x', member };
  }

  #awaitX(member: Member): Promise<Step> {
    const { relay } = this.#context;
    return boundedByPeer(this.#context, async (signal) => {
      const opened = await awaitChannel(relay, undefined, signal, ({ x, version }) =>
        x === undefined ? undefined : { x: bytesOf(x), version },
      );
      return { state: 'awaiting-h_k', member, opened };
    });
  }

  /** Lanes are connected meanwhile; they say nothing before the sender has shown that it has our key. */
  #awaitKey(member: Member, { x, version }: Opened): Promise<Step> {
    const { relay, random, data } = this.#context;
    const { channel, curve, uuid } = member;
    return boundedByPeer(this.#context, async (signal) => {
      const { secret } = this.#options;
      const { y, key } = answerExchange({ curve, channel, secret }, x, random);
      const expected = confirmations(key);
      const fields = { y: encodeBase64(y), hh_k: encodeBase64(expected.hh_k) };
      const secrets = { key, transcript: transcriptHash(channel, curve, x, y) };
      const proved = deferred<undefined>();
      const connected = relay.lanes().then((place) => {
        const target = { role: 'recipient', ...place, channel, uuid, secrets } as const;
        return data.connect(target, proved.promise);
      });
      connected.catch(() => undefined);
      try {
        const known = await relay.updateAndWait(fields, version + 1, signal);
        const h_k = await awaitChannel(relay, known, signal, (answer) => answer.h_k);
        if (!sameBytes(expected.h_k, bytesOf(h_k))) throw new CrocError('wrong_code');
        proved.resolve(undefined);
        return { state: 'connecting', connected };
      } catch (error) {
        // The sender closes at this point for one reason: our key is not its key.
        const burnt = error instanceof CrocError && error.code === 'channel_closed';
        throw burnt ? new CrocError('wrong_code', { cause: error }) : error;
      }
    });
  }

  #connect(connected: Promise<unknown>): Promise<Step> {
    const { timing } = this.#context;
    return bounded(this.#context, timing.stepMs, 'timed_out', async () => {
      await connected;
      return { state: 'receiving' };
    });
  }

  /** The data plane has its own deadlines: it ends when the peer is silent for too long. */
  async #receive(): Promise<Closed<Result>> {
    this.#context.data.start();
    return { state: 'closed', result: await this.#context.data.result };
  }
}
