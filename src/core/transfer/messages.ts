/** What the host thread and the transfer's worker say to each other: two discriminated unions. */
import type { RecipientState, SenderState } from '../channel/states.js';
import type { ErrorCode } from '../errors.js';
import type { DataTiming } from '../timing.js';
import type { LanePlace, LaneTarget } from '../wire/keys.js';
import type { UndoRecord } from '../files/undo.js';
import type { WalkOptions, WalkSource } from '../files/walk.js';
import type {
  Conflict,
  ConflictChoice,
  Connection,
  OfferEntry,
  Offered,
  Progress,
  ReceiveResult,
  Role,
  Totals,
} from '../types.js';
import type { SendingOptions } from './outbound.js';
import type { TextContent } from './text.js';

/** How to meet the peer on croc's own network; only for its own worker. */
export interface MeetMessage {
  readonly type: 'meet';
  readonly role: Role;
  /** As it was typed or made. Secret. */
  readonly code: string;
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly relayPassword: string;
  /** Connecting to the relay, milliseconds. */
  readonly connectMs: number;
  /** Each step once both are there, milliseconds. */
  readonly stepMs: number;
  /** Until the other side comes, milliseconds. */
  readonly waitMs: number;
}

/** Where a transfer is whose state machine runs in its worker. */
export type MeetingState = SenderState | RecipientState;

/** Host → worker. */
export type ToWorker =
  | MeetMessage
  | {
      readonly type: 'walk';
      readonly sources: readonly WalkSource[];
      readonly ignore: WalkOptions['ignore'];
    }
  | { readonly type: 'sending'; readonly options: SendingOptions }
  | { readonly type: 'text'; readonly text: TextContent }
  | { readonly type: 'connect'; readonly target: LaneTarget; readonly timing: DataTiming }
  /** The relay knows that we may come: the lanes say who they are. */
  | { readonly type: 'enter' }
  /** The answer to `locate`: where the lanes are, or why nobody knows. */
  | { readonly type: 'place'; readonly place: LanePlace }
  | { readonly type: 'nowhere'; readonly code: ErrorCode }
  | { readonly type: 'start' }
  | {
      readonly type: 'accept';
      readonly to?: string;
      readonly only?: readonly number[];
      readonly onConflict: ConflictChoice | 'ask';
      readonly undo?: boolean;
      readonly limit?: number;
    }
  | { readonly type: 'reject' }
  | { readonly type: 'choice'; readonly choice: ConflictChoice }
  | { readonly type: 'cancel' };

/** Worker → host. */
export type FromWorker =
  | { readonly type: 'walked'; readonly offered: Offered }
  | { readonly type: 'connected' }
  | { readonly type: 'locate' }
  | { readonly type: 'state'; readonly state: MeetingState }
  | { readonly type: 'entries'; readonly entries: readonly OfferEntry[] }
  | { readonly type: 'offer'; readonly totals: Totals; readonly text?: TextContent }
  | { readonly type: 'conflict'; readonly conflict: Conflict }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'connection'; readonly connection: Connection }
  | { readonly type: 'undo'; readonly record: UndoRecord }
  | { readonly type: 'done'; readonly result: ReceiveResult }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly detail?: string };
