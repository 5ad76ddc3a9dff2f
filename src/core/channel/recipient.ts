/** The recipient as a state machine (docs/protocol.md, "The two clients"): one function a transition. */
import { CrocError } from '../errors.js';
import { answerExchange, confirmations, sameBytes, transcriptHash } from '../pake/channel.js';
import type { SessionKey } from '../pake/channel.js';
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
  | { readonly state: 'awaiting-h_k'; readonly member: Member; readonly x: Uint8Array }
  | { readonly state: 'connecting'; readonly member: Member; readonly agreed: Agreed }
  | { readonly state: 'receiving' };

interface Agreed {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
  readonly key: SessionKey;
  /** What the relay gave us; not checked yet. */
  readonly h_k: Uint8Array;
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
        return this.#awaitKey(step.member, step.x);
      case 'connecting':
        return this.#connect(step.member, step.agreed);
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
      const x = await awaitChannel(relay, undefined, signal, (answer) => answer.x);
      return { state: 'awaiting-h_k', member, x: bytesOf(x) };
    });
  }

  #awaitKey(member: Member, x: Uint8Array): Promise<Step> {
    const { relay, random } = this.#context;
    const { channel, curve } = member;
    return boundedByPeer(this.#context, async (signal) => {
      const { secret } = this.#options;
      const { y, key } = answerExchange({ curve, channel, secret }, x, random);
      const fields = { y: encodeBase64(y), hh_k: encodeBase64(confirmations(key).hh_k) };
      try {
        const known = await relay.update(fields, signal);
        const h_k = await awaitChannel(relay, known, signal, (answer) => answer.h_k);
        return { state: 'connecting', member, agreed: { x, y, key, h_k: bytesOf(h_k) } };
      } catch (error) {
        // The sender closes at this point for one reason: our key is not its key.
        const burnt = error instanceof CrocError && error.code === 'channel_closed';
        throw burnt ? new CrocError('wrong_code', { cause: error }) : error;
      }
    });
  }

  #connect(member: Member, { x, y, key, h_k }: Agreed): Promise<Step> {
    if (!sameBytes(confirmations(key).h_k, h_k)) throw new CrocError('wrong_code');
    const { relay, data, timing } = this.#context;
    const { channel, curve, uuid } = member;
    return bounded(this.#context, timing.stepMs, 'timed_out', async () => {
      const secrets = { key, transcript: transcriptHash(channel, curve, x, y) };
      const place = await relay.lanes();
      await data.connect({ role: 'recipient', ...place, channel, uuid, secrets });
      return { state: 'receiving' };
    });
  }

  /** The data plane has its own deadlines: it ends when the peer is silent for too long. */
  async #receive(): Promise<Closed<Result>> {
    this.#context.data.start();
    return { state: 'closed', result: await this.#context.data.result };
  }
}
