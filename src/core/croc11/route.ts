/** The way over croc's own network: which relay, which password, and how the worker is told. */
import type { Timing } from '../timing.js';
import type { MeetMessage } from '../transfer/messages.js';
import type { Role } from '../types.js';
import { CrocError } from '../errors.js';
import { CROC_PORT, PUBLIC_RELAYS, parseCrocCode, relayOf } from './code.js';

/** What an explicit address of a croc relay begins with. */
export const CROC_SCHEME = 'croc://';
/** The password of croc's relays unless their operator set another. */
const DEFAULT_PASSWORD = 'pass123';

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

/** Whether a relay's address is one of croc's own network. */
export function isCrocRelay(relay: string | undefined): boolean {
  return relay?.trim().toLowerCase().startsWith(CROC_SCHEME) ?? false;
}

/** A route's relay as a person can type it. */
export function crocRelayUrl({ host, port }: Pick<CrocRoute, 'host' | 'port'>): string {
  return `${CROC_SCHEME}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Reads the address of a croc relay as it is typed. @throws CrocError `invalid_relay` */
export function parseCrocRelayAddress(text: string): string {
  return crocRelayUrl(parseCrocRelay(text));
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

function parseCrocRelay(text: string): { host: string; port: number } {
  const typed = text.trim();
  const invalid = new CrocError('invalid_relay', { detail: typed });
  // `croc:` is no scheme that URL knows, so it would not read the port as it should.
  const address = `http://${typed.slice(CROC_SCHEME.length)}`;
  if (!isCrocRelay(typed) || !URL.canParse(address) || /[\s\\]/.test(typed)) throw invalid;
  const { hostname, port, pathname, search, hash, username, password } = new URL(address);
  if (search + hash + username + password !== '' || pathname !== '/' || port === '0') throw invalid;
  const explicit80 = /:80\/?$/.test(typed);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (explicit80 ? 80 : CROC_PORT) : Number(port) };
}
