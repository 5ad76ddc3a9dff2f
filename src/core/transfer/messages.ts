/** What the host thread and the transfer's worker say to each other: two discriminated unions. */
import type { ErrorCode } from '../errors.js';
import type { DataTiming } from '../timing.js';
import type { LaneTarget } from '../wire/keys.js';
import type {
  Conflict,
  ConflictChoice,
  Connection,
  OfferEntry,
  Progress,
  ReceiveResult,
  Skipped,
  Totals,
} from '../types.js';

/** Host → worker. */
export type ToWorker =
  | { readonly type: 'walk'; readonly paths: readonly string[] }
  | { readonly type: 'connect'; readonly target: LaneTarget; readonly timing: DataTiming }
  | { readonly type: 'start' }
  | {
      readonly type: 'accept';
      readonly to: string;
      readonly only?: readonly number[];
      readonly onConflict: ConflictChoice | 'ask';
    }
  | { readonly type: 'reject' }
  | { readonly type: 'choice'; readonly choice: ConflictChoice }
  | { readonly type: 'cancel' };

/** Worker → host. */
export type FromWorker =
  | { readonly type: 'walked'; readonly totals: Totals; readonly skipped: readonly Skipped[] }
  | { readonly type: 'connected' }
  | { readonly type: 'entries'; readonly entries: readonly OfferEntry[] }
  | { readonly type: 'offer'; readonly totals: Totals }
  | { readonly type: 'conflict'; readonly conflict: Conflict }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'connection'; readonly connection: Connection }
  | { readonly type: 'done'; readonly result: ReceiveResult }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly detail?: string };
