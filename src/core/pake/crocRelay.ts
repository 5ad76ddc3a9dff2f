/**
 * The exchange between a croc client and its relay: curve siec, a password that everybody knows, the plain
 * session key. It hides the relay's password from whoever only listens; it proves nothing by itself.
 */
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { decodeCrocPake, encodeCrocPake } from '../wire/crocPake.js';
import { curveNamed } from './curves.js';
import { beginExchange, randomScalar } from './exchange.js';
import { plainSessionKey } from './keys.js';
import type { SessionKey } from './keys.js';
import { checkedPoint } from './points.js';

const PASSWORD = Uint8Array.of(1, 2, 3);

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
  const fixed = { U: curve.U.toAffine(), V: curve.V.toAffine() };
  return {
    message: encodeCrocPake({ role: 1, X, Y: agreement.Y }, fixed),
    key: plainSessionKey(PASSWORD, agreement),
  };
}
