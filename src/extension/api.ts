/** What `activate()` returns, so that another extension can send and receive. */
import type {
  Offer,
  ReceiveOptions,
  Relay,
  RelayOptions,
  Send,
  SendItem,
  SendOptions,
} from '../core/index.js';

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
}
