/** The address of a relay as a person types it. */
import { CrocError } from '../errors.js';
import { DEFAULT_HTTP_PORT } from '../wire/http.js';

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * Reads `host`, `host:port`, `[v6]:port`, `http://host:port` or `https://host`. A bare host means the
 * relay's default port, an URL without a port the one of its scheme.
 *
 * @returns `http://host:port` or `https://host:port`, always with the port
 * @throws CrocError `invalid_relay`
 */
export function parseRelayAddress(text: string): string {
  const typed = text.trim();
  const bare = !SCHEME.test(typed);
  const whole = bare ? `http://${typed}` : typed;
  const invalid = new CrocError('invalid_relay', { detail: typed === '' ? 'it is empty' : typed });
  if (!URL.canParse(whole) || /[\s\\]/.test(typed)) throw invalid;
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(whole);
  const extra = search + hash + username + password !== '' || pathname !== '/';
  if (extra || port === '0' || (protocol !== 'http:' && protocol !== 'https:')) throw invalid;
  // URL drops a port that is the scheme's own, so a bare `host:80` has to be told from a bare `host`.
  const own = protocol === 'https:' ? 443 : bare && !/:80\/?$/.test(typed) ? DEFAULT_HTTP_PORT : 80;
  return `${protocol}//${hostname}:${port === '' ? own : port}`;
}
