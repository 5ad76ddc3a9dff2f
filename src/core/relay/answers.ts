/** How a refusal reads on the wire. */
import { ERRORS } from '../errors.js';
import type { ErrorAnswer } from '../wire/http.js';
import type { Refusal } from './rendezvous.js';

/** The JSON of a refusal. Its sentence comes from the closed list and names nothing. */
export function errorAnswer({ code }: Pick<Refusal, 'code'>): ErrorAnswer {
  return { error: { code, message: ERRORS[code].what } };
}
