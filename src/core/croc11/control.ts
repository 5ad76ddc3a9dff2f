/** The control connection of two croc peers: messages one by one, and the one word for a failure. */
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { CROC_PEER_VERSION, decodeCrocMessage, encodeCrocMessage } from '../wire/crocMessage.js';
import type { CrocMessage } from '../wire/crocMessage.js';
import type { CrocConnection } from './connection.js';

/** What croc says when its person declines. */
export const REFUSING = 'refusing files';
/** What we say when our person gives up. */
export const CANCELLING = 'transfer cancelled';
/** Characters of a failure that we tell. */
const MAX_REASON = 500;

/** How a wait is bounded. */
export interface Patience {
  readonly timeoutMs: number;
  /** What it means when the time is over. */
  readonly onTimeout: () => CrocError;
}

/** Messages over one connection. */
export class Control {
  readonly connection: CrocConnection;
  readonly #random: RandomBytes;
  #key: Uint8Array | undefined;

  constructor(connection: CrocConnection, random: RandomBytes) {
    this.connection = connection;
    this.#random = random;
  }

  /** From now on everything is encrypted. @param key - 32 bytes */
  secure(key: Uint8Array): void {
    this.#key = key;
  }

  /** Says something. @throws CrocError `connection_lost` */
  async say(message: CrocMessage): Promise<void> {
    await this.connection.send(encodeCrocMessage(message, this.#key, this.#random));
  }

  /** The next body as it is. @throws CrocError `connection_lost`, or what the wait was bounded with */
  async hearRaw(patience?: Patience): Promise<Buffer> {
    if (patience === undefined) return this.connection.read();
    const late = setTimeout(() => this.connection.fail(patience.onTimeout()), patience.timeoutMs);
    try {
      return await this.connection.read();
    } finally {
      clearTimeout(late);
    }
  }

  /**
   * The next message.
   *
   * @throws CrocError `refused`, `peer_cancelled` or `peer_failed` when the peer goes no further, and as `hearRaw`
   */
  async hear(patience?: Patience): Promise<CrocMessage> {
    const message = decodeCrocMessage(await this.hearRaw(patience), this.#key);
    if (message.type !== 'error') return message;
    throw meaningOf(message.text ?? '');
  }

  /** The next message, which must be of one type. @throws CrocError `protocol_error`, and as `hear` */
  async expect(type: string, patience?: Patience): Promise<CrocMessage> {
    const message = await this.hear(patience);
    if (message.type !== type)
      throw new CrocError('protocol_error', { detail: `"${message.type}" instead of "${type}"` });
    return message;
  }

  /** The next message of the exchange. @throws CrocError `incompatible_version` for a croc before 11 */
  async expectExchange(type: string, patience?: Patience): Promise<CrocMessage> {
    const message = await this.expect(type, patience);
    if (message.version !== CROC_PEER_VERSION)
      throw new CrocError('incompatible_version', {
        detail: 'the other side has croc 10 or older',
      });
    return message;
  }

  /** Tells the peer that we stop, if it can be told in secret. Never throws. */
  async tell(reason: string): Promise<void> {
    if (this.#key === undefined) return;
    const text = reason.slice(0, MAX_REASON);
    await this.say({ type: 'error', text }).catch(() => undefined);
  }
}

/** What a peer's words for a failure mean. */
function meaningOf(reason: string): CrocError {
  if (reason === REFUSING) return new CrocError('refused');
  if (reason === CANCELLING) return new CrocError('peer_cancelled');
  return new CrocError('peer_failed', { detail: reason.slice(0, MAX_REASON) });
}
