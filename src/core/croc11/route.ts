/** The way over croc's own network: which relay, which password, and how the worker is told. */
import type { Timing } from '../timing.js';
import type { MeetMessage } from '../transfer/messages.js';
import type { Role } from '../types.js';
import { CROC_SCHEME, parseCrocRelay } from './address.js';
import { PUBLIC_RELAYS, parseCrocCode, relayOf } from './code.js';

/** The password of croc's relays unless their operator set another. */
export const DEFAULT_PASSWORD = 'pass123';

/** Where two peers meet. */
export interface CrocRoute {
  /** As it was typed or made. Secret. */
  readonly code: string;
  readonly host: string;
  readonly port: number;
  readonly relayPassword: string;
}

/**
 * Finds the relay of a code.
 *
 * @param relay - `croc://host` or `croc://host:port`; default: one of croc's public relays, by the code
 * @throws CrocError `invalid_code`, `invalid_relay`
 */
export function crocRoute(
  code: string,
  relay: string | undefined,
  relayPassword = DEFAULT_PASSWORD,
): CrocRoute {
  const address = relay ?? `${CROC_SCHEME}${relayOf(parseCrocCode(code), PUBLIC_RELAYS)}`;
  return { code, ...parseCrocRelay(address), relayPassword };
}

/** What the worker is told. */
export function meetMessage(
  route: CrocRoute,
  role: Role,
  timing: Timing,
  localAddress: string | undefined,
): MeetMessage {
  const { connectMs, stepMs, waitMs } = timing;
  const from = localAddress === undefined ? {} : { localAddress };
  return { type: 'meet', role, ...route, ...from, connectMs, stepMs, waitMs };
}
