/** A refusal, and how it reads on the wire. */
import { ERRORS } from '../errors.js';
import type { RelayErrorCode } from '../errors.js';
import type { ErrorAnswer } from '../wire/http.js';
import type { RelayEvent } from './events.js';
import type { CountedLimit } from './limits.js';

/** Why a request is refused, and when it may be tried again. */
export interface Refusal {
  readonly ok: false;
  readonly code: RelayErrorCode;
  readonly retryAfterSeconds?: number;
  /** The limit that was passed, for the operator. */
  readonly limit?: CountedLimit;
}

/** What the operator is told of a refusal. @param address - address key of the client, if known */
export function refusedEvent(
  { code, limit }: Pick<Refusal, 'code' | 'limit'>,
  address: string | undefined,
): RelayEvent {
  return {
    kind: 'refused',
    code,
    ...(limit === undefined ? {} : { limit }),
    ...(address === undefined ? {} : { address }),
  };
}

/** The JSON of a refusal. Its sentence comes from the closed list and names nothing. */
export function errorAnswer({
  code,
  retryAfterSeconds,
}: Pick<Refusal, 'code' | 'retryAfterSeconds'>): ErrorAnswer {
  const error = { code, message: ERRORS[code].what };
  if (retryAfterSeconds === undefined) return { error };
  return { error: { ...error, retry_after: retryAfterSeconds } };
}
