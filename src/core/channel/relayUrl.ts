/** The address of a relay as a person types it. */
import { CrocError } from '../errors.js';
import { DEFAULT_HTTP_PORT } from '../wire/http.js';

/**
 * Reads `http://host:port`, `https://host:port`, `host:port` or `host`. Without a scheme it is http,
 * and http without a port means the relay's default port.
 *
 * @throws CrocError `invalid_relay`
 */
export function parseRelayUrl(text: string): URL {
  const trimmed = text.trim();
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const plain = url && url.pathname === '/' && !url.search && !url.hash && !url.username;
  if (!plain || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw new CrocError('invalid_relay', { detail: trimmed });
  // URL drops a port that is the scheme's own, so look at what was typed.
  const typedPort = /:\d+\/?$/.test(trimmed);
  if (url.protocol === 'http:' && !typedPort) url.port = String(DEFAULT_HTTP_PORT);
  return url;
}
