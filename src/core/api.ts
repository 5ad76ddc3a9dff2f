/** The shapes that the library hands out. `Croc` (croc.ts) and the relay give the real things. */
import type { EventEmitter } from 'node:events';
import type { SenderState } from './channel/states.js';
import type { CrocError } from './errors.js';
import type {
  AcceptOptions,
  CurveName,
  OfferEntry,
  ReceiveEvents,
  ReceiveResult,
  SendEvents,
  Skipped,
  Totals,
  TransferResult,
} from './types.js';
import type { RecipientState } from './channel/states.js';

/** How to send. */
export interface SendOptions {
  /** `http://host:port` of the relay; default: the one given to `Croc`. */
  readonly relay?: string;
  /** A whole code of one's own, `<channel>-<secret>`; default: the relay allocates, three random words. */
  readonly code?: string;
  readonly curve?: CurveName;
  /** How long the code stays open while nobody uses it; default three hours. */
  readonly waitMs?: number;
  /** File bytes a second to send at most; default: as fast as it goes. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** A send that runs. Events: `state`, `offered`, `progress`, `connection`. */
export interface Send extends EventEmitter<SendEvents> {
  /** The code phrase to tell the other person. */
  readonly code: string;
  /** The relay in use, `http://host:port`. */
  readonly relay: string;
  readonly curve: CurveName;
  readonly state: SenderState;
  /** What is offered, once the walk is over. */
  readonly offered: { readonly totals: Totals; readonly skipped: readonly Skipped[] } | undefined;
  /** Resolves when the recipient has everything on its disk; rejects with a CrocError. */
  readonly done: Promise<TransferResult>;
  /** Stops the transfer and closes the channel; `done` rejects with `cancelled`. Never throws. */
  cancel(): Promise<void>;
}

/** How to receive. */
export interface ReceiveOptions {
  /** `http://host:port` of the relay; default: the one given to `Croc`. */
  readonly relay?: string;
  readonly signal?: AbortSignal;
  /** Told of every state before the offer. */
  readonly onState?: (state: RecipientState) => void;
}

/** What the sender offers. Nothing touches the disk before `accept`. */
export interface Offer {
  readonly relay: string;
  readonly entries: readonly OfferEntry[];
  readonly totals: Totals;
  /** Aborted, with a CrocError as reason, when the sender goes away while the person thinks. */
  readonly gone: AbortSignal;
  /** Takes the offer. Errors (a missing folder too) come out of `done`. */
  accept(options: AcceptOptions): Receive;
  /** Says no politely. Never throws. */
  reject(): Promise<void>;
}

/** A receive that runs. Events: `state`, `progress`, `connection`. */
export interface Receive extends EventEmitter<ReceiveEvents> {
  readonly state: RecipientState;
  /** Resolves when everything is flushed to disk; rejects with a CrocError. */
  readonly done: Promise<ReceiveResult>;
  /** Stops the transfer and removes what is not whole; `done` rejects with `cancelled`. Never throws. */
  cancel(): Promise<void>;
}

/** How to run a relay. */
export interface RelayOptions {
  /** Address to bind; default: every interface, IPv4 and IPv6. */
  readonly host?: string;
  /** HTTP port, 0 for any free one; default 8003, or a free one when that is taken. */
  readonly port?: number;
  /** TCP ports, one a lane, 0 for any free one; default 27001–27004, or free ones. 1 to 16 ports. */
  readonly tcpPorts?: readonly number[];
  /** What `croc --pass` has to say to use this relay; default `pass123`, as croc has it. */
  readonly crocPassword?: string;
}

/** What a relay does at this moment. */
export interface RelayStats {
  readonly channels: number;
  /** Open TCP connections on the lane ports. */
  readonly connections: number;
  /** Bytes that passed through staples since the start. */
  readonly bytes: number;
}

/** A relay that runs. */
export interface Relay {
  /** `http://host:port` that others on the network can type. */
  readonly url: string;
  /** `http://host:port` for this machine. */
  readonly localUrl: string;
  readonly port: number;
  readonly ports: readonly number[];
  stats(): Promise<RelayStats>;
  /** Resolves when the relay has stopped, with the error that stopped it if there was one. */
  readonly closed: Promise<CrocError | undefined>;
  /** Closes listeners and every connection. Never throws. */
  close(): Promise<void>;
}
