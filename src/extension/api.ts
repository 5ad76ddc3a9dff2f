/**
 * What `activate()` returns, so that another extension can send and receive. Published as it stands
 * (`croc-share/extension-api`), so it holds types only and imports nothing but the library's.
 */
import type {
  ErrorCode,
  Offer,
  Progress,
  ReceiveOptions,
  Relay,
  RelayOptions,
  Send,
  SendItem,
  SendOptions,
  Totals,
} from '../core/index.js';

/** A transfer of this window, without its code. */
export interface TransferInfo {
  readonly id: string;
  readonly direction: 'send' | 'receive';
  readonly stage: 'waiting' | 'connecting' | 'running' | 'done' | 'failed' | 'cancelled';
  /** Names of the top-level things. */
  readonly names: readonly string[];
  /** Undefined while they are counted. */
  readonly totals: Totals | undefined;
  readonly progress: Progress | undefined;
  /** Why it failed, from the closed list of errors. */
  readonly error: ErrorCode | undefined;
}

/** An event as `vscode.Event` is one: takes a listener, gives what ends the listening. */
export type TransfersEvent = (listener: (transfers: readonly TransferInfo[]) => unknown) => {
  dispose(): unknown;
};

/**
 * The library's `send` and `receive` with this window's settings as defaults. What runs shows up
 * in the status bar like any other transfer.
 */
export interface CrocApi {
  /**
   * @param items - absolute paths of files and folders, files in memory, or a text alone
   * @param options - without `relay`: the one that is set, else this window's own, started if needed
   */
  send(items: readonly SendItem[], options?: SendOptions): Promise<Send>;
  /**
   * @param code - the code phrase
   * @param options - without `relay`: the one that is set, then those on the local network
   */
  receive(code: string, options?: ReceiveOptions): Promise<Offer>;
  /** Starts a relay in this window; it stops with the window. */
  startRelay(options?: RelayOptions): Promise<Relay>;
  /** Fires with all transfers of this window, newest first, whenever one of them changes. */
  readonly onDidChangeTransfers: TransfersEvent;
}
