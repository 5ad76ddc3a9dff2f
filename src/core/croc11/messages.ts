/** What the host thread tells the worker of a transfer over croc's own network, beside what every worker hears. */
import type { RecipientState, SenderState } from '../channel/states.js';
import type { FromWorker, ToWorker } from '../transfer/messages.js';

/** How to meet. */
export interface MeetMessage {
  readonly type: 'meet';
  readonly role: 'sender' | 'recipient';
  /** As it was typed or made. Secret. */
  readonly code: string;
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly relayPassword: string;
  readonly connectMs: number;
  readonly stepMs: number;
  readonly waitMs: number;
}

/** Host → worker. */
export type ToCrocWorker = ToWorker | MeetMessage;

/** Worker → host. */
export type FromCrocWorker =
  FromWorker | { readonly type: 'state'; readonly state: SenderState | RecipientState };
