/** The address of a relay on croc's own network, `croc://host:port`, as it is typed. */
import { CrocError } from '../errors.js';

/** croc's port for control when an address names none. */
export const CROC_PORT = 9009;
/** What an explicit address of a croc relay begins with. */
export const CROC_SCHEME = 'croc://';

/** Whether a relay's address is one of croc's own network. */
export function isCrocRelay(relay: string | undefined): boolean {
  return relay?.trim().toLowerCase().startsWith(CROC_SCHEME) ?? false;
}

/** A route's relay as a person can type it. */
export function crocRelayUrl({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): string {
  return `${CROC_SCHEME}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Reads the address of a croc relay as it is typed. @throws CrocError `invalid_relay` */
export function parseCrocRelayAddress(text: string): string {
  return crocRelayUrl(parseCrocRelay(text));
}

/** Takes an address apart. @throws CrocError `invalid_relay` */
export function parseCrocRelay(text: string): { host: string; port: number } {
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
