/**
 * The exchange between a croc client and its relay: curve siec, a password that everybody knows, the plain
 * session key. It hides the relay's password from whoever only listens; it proves nothing by itself.
 */
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { decodeCrocPake, encodeCrocPake } from '../wire/crocPake.js';
import { curveNamed } from './curves.js';
import { beginExchange, randomScalar } from './exchange.js';
import type { Exchange } from './exchange.js';
import { plainSessionKey } from './keys.js';
import type { SessionKey } from './keys.js';
import { checkedPoint } from './points.js';

const PASSWORD = Uint8Array.of(1, 2, 3);

/** The client's half. */
export class CrocRelayExchange {
  /** What to send first. */
  readonly message: Buffer;
  readonly #exchange: Exchange;

  /** Cost: two multiplications. */
  constructor(random: RandomBytes) {
    const curve = curveNamed('siec');
    this.#exchange = beginExchange(curve, 'A', PASSWORD, randomScalar(curve, random));
    const X = this.#exchange.own.toAffine();
    this.message = encodeCrocPake({ role: 0, X, Y: undefined }, fixedPoints());
  }

  /** Takes the relay's answer, once. @throws CrocError `key_exchange_failed` */
  finish(answer: Uint8Array): SessionKey {
    const { role, Y } = decodeCrocPake(answer);
    if (role !== 1 || Y === undefined)
      throw new CrocError('key_exchange_failed', { detail: 'an answer of the wrong party' });
    const point = checkedPoint(curveNamed('siec'), Y, 'Y');
    return plainSessionKey(PASSWORD, this.#exchange.agree(point));
  }
}

/** What a relay says to a client's first message, and the key that both have then. */
export interface RelayAnswer {
  readonly message: Buffer;
  readonly key: SessionKey;
}

/**
 * The relay's half. Cost: four multiplications.
 *
 * @param message - of party A
 * @throws CrocError `key_exchange_failed`
 */
export function answerCrocClient(message: Uint8Array, random: RandomBytes): RelayAnswer {
  const curve = curveNamed('siec');
  const { role, X } = decodeCrocPake(message);
  if (role !== 0 || X === undefined)
    throw new CrocError('key_exchange_failed', { detail: 'a message of the wrong party' });
  const exchange = beginExchange(curve, 'B', PASSWORD, randomScalar(curve, random));
  const agreement = exchange.agree(checkedPoint(curve, X, 'X'));
  return {
    message: encodeCrocPake({ role: 1, X, Y: agreement.Y }, fixedPoints()),
    key: plainSessionKey(PASSWORD, agreement),
  };
}

function fixedPoints(): Parameters<typeof encodeCrocPake>[1] {
  const { U, V } = curveNamed('siec');
  return { U: U.toAffine(), V: V.toAffine() };
}
