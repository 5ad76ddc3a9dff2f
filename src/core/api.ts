/** The shapes that the library hands out. `Croc` (croc.ts) and the relay give the real things. */
import type { EventEmitter } from 'node:events';
import type { SenderState } from './channel/states.js';
import type { CrocError } from './errors.js';
import type {
  AcceptOptions,
  Connection,
  CurveName,
  IgnoreOptions,
  Multicast,
  OfferEntry,
  OfferKind,
  Offered,
  ReceiveEvents,
  ReceiveResult,
  SendEvents,
  Totals,
  TransferResult,
  UndoResult,
} from './types.js';
import type { RecipientState } from './channel/states.js';

/** Which way a send goes: through a relay of Croc's, or over the network of the `croc` program. */
export type Network = 'relay' | 'croc';

/** How to send. */
export interface SendOptions {
  /** Default: the one given to `Croc`. */
  readonly network?: Network;
  /** Password of the relay that is named; default: the one given to `Croc`, else croc's own or none. */
  readonly relayPassword?: string;
  /**
   * `http://host:port` of the relay, or `croc://host:port` of one of the `croc` program; default: the one
   * given to `Croc`.
   */
  readonly relay?: string;
  /** A whole code of one's own, `<channel>-<secret>`; default: the relay allocates, three random words. */
  readonly code?: string;
  readonly curve?: CurveName;
  /** How long the code stays open while nobody uses it; default three hours. */
  readonly waitMs?: number;
  /**
   * Bytes of file data a second to send at most, as they are on the wire; default: as fast as it goes. Not over
   * croc's own network.
   */
  readonly limit?: number;
  /**
   * Whether what gets smaller by it is compressed where the link is slower than that; default yes. Not over croc's
   * own network.
   */
  readonly compress?: boolean;
  /** What to leave out of folders; default nothing. */
  readonly ignore?: IgnoreOptions;
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
  readonly offered: Offered | undefined;
  /** Resolves when the recipient has everything on its disk; rejects with a CrocError. */
  readonly done: Promise<TransferResult>;
  /** Stops the transfer and closes the channel; `done` rejects with `cancelled`. Never throws. */
  cancel(): Promise<void>;
}

/** How to receive. */
export interface ReceiveOptions {
  /** Password of the relay that is named; default: the one given to `Croc`, else croc's own or none. */
  readonly relayPassword?: string;
  /**
   * `http://host:port` of the relay, or several, likeliest first, or `croc://host:port` of one of the `croc`
   * program; default: the one given to `Croc`.
   */
  readonly relay?: string | readonly string[];
  /**
   * Whether relays on the local network are asked for the channel when none of those has it; default: what
   * was given to `Croc`, else no.
   */
  readonly discover?: boolean;
  /** Where on the local network; default: what was given to `Croc`, else everywhere. */
  readonly multicast?: Multicast;
  /**
   * Asks which of several relays on the local network is the sender's; undefined: none of them. Without
   * it, that is the error `several_relays`.
   */
  readonly onSeveral?: (relays: readonly string[]) => Promise<string | undefined>;
  readonly signal?: AbortSignal;
  /** Told of every state before the offer. */
  readonly onState?: (state: RecipientState) => void;
  /** Told before the offer when the relay or the other side is lost, and when it is back. */
  readonly onConnection?: (connection: Connection) => void;
}

/** What the sender offers. Nothing touches the disk before `accept`, and nothing at all when it is a text. */
export interface Offer {
  readonly relay: string;
  readonly kind: OfferKind;
  /** The text, when `kind` is one; a patch may hold replacement characters where it is not UTF-8. */
  readonly text?: string;
  /** The exact bytes of the text. */
  readonly content?: Uint8Array;
  /** A file name for the text, if the sender gave one; safe to write. */
  readonly name?: string;
  readonly entries: readonly OfferEntry[];
  readonly totals: Totals;
  /** Aborted, with a CrocError as reason, when the sender goes away while the person thinks. */
  readonly gone: AbortSignal;
  /** Takes the offer. Errors (a missing folder too) come out of `done`. */
  accept(options?: AcceptOptions): Receive;
  /** Says no politely. Never throws. */
  reject(): Promise<void>;
}

/** A receive that runs. Events: `state`, `progress`, `connection`. */
export interface Receive extends EventEmitter<ReceiveEvents> {
  readonly state: RecipientState;
  /** Resolves when everything is flushed to disk; rejects with a CrocError. */
  readonly done: Promise<ReceiveResult>;
  /** What can be taken back, once it is over, well or not; only when `accept` asked for it. */
  readonly undo: Undo | undefined;
  /** Stops the transfer and removes what is not whole; `done` rejects with `cancelled`. Never throws. */
  cancel(): Promise<void>;
}

/** Takes back what a receive did. */
export interface Undo {
  /** Absolute path of the folder with what was replaced, while there is one. */
  readonly folder: string | undefined;
  /** How many files and links can be taken back. */
  readonly files: number;
  /** Puts things back; what has changed since stays as it is. @throws CrocError when the disk refuses */
  run(): Promise<UndoResult>;
  /**
   * Lets a file that arrived beside another take its place, and keeps what was there.
   *
   * @param incoming - absolute path of what arrived @param existing - absolute path that it takes
   */
  replace(incoming: string, existing: string): Promise<void>;
  /** Removes what was kept: nothing can be brought back any more. Never throws. */
  discard(): Promise<void>;
}

/** How to run a relay. */
export interface RelayOptions {
  /** Address to bind; default: every interface, IPv4 and IPv6. */
  readonly host?: string;
  /** HTTP port, 0 for any free one; default 8003, or a free one when that is taken. */
  readonly port?: number;
  /** TCP ports, one a lane, 0 for any free one; default 27001–27004, or free ones. 1 to 16 ports. */
  readonly tcpPorts?: readonly number[];
  /**
   * Whether it is announced on the local network, so that recipients find it; default no. One that
   * listens on loopback only is not.
   */
  readonly announce?: boolean;
  /** Where it is announced. */
  readonly multicast?: Multicast;
  /**
   * Fewest digits of a channel name that it gives out, 1 to 9; default 1, and 4 when it is announced: where
   * there are several relays, nobody should meet a stranger who has the same name.
   */
  readonly nameDigits?: number;
  /**
   * `redis://…`: keeps the channels there, shared by every relay that names the same; default: in
   * this process's memory.
   */
  readonly store?: string;
  /**
   * IP address or name under which clients reach this relay's TCP ports; default: the host that they
   * use for HTTP. With `store`, default: `host`, which then must be one address.
   */
  readonly hostName?: string;
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
  /** Whether it is announced on the local network. */
  readonly announced: boolean;
  /** Tells the numbers when channels or connections change, at most twice a second; the answer ends that. */
  watch(changed: (stats: RelayStats) => void): () => void;
  stats(): Promise<RelayStats>;
  /** Resolves when the relay has stopped, with the error that stopped it if there was one. */
  readonly closed: Promise<CrocError | undefined>;
  /** Closes listeners and every connection. Never throws. */
  close(): Promise<void>;
}
