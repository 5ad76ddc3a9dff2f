/**
 * Links that open Receive with code and relay filled in. Anybody can make one and have it clicked, so a
 * link is read strictly, and it only fills in boxes. Pure: the editor's names come in.
 */
import { networkOf, parseRelayAddress } from '../core/index.js';
import { shortAddress } from './address.js';

const PATH = '/receive';
/** Characters of a query and of its values, at most: a code has 161, an address of a relay some more. */
const MAX_QUERY = 2000;
const MAX_CODE = 200;
const MAX_RELAY = 300;

/** What a link fills in. */
export interface Linked {
  readonly code: string;
  /** `http://host:port` */
  readonly relay?: string;
}

/**
 * @param app - the editor's own scheme and the extension's id
 * @param relay - `http://host:port`; absent for a code of croc's own network
 * @returns `vscode://publisher.name/receive?code=…&relay=…`
 */
export function makeLink(
  app: { readonly scheme: string; readonly extension: string },
  { code, relay }: { readonly code: string; readonly relay?: string },
): string {
  // The editor decodes a query once before it hands it over, so what would end a value is encoded twice.
  const safe = /^[\w-]+$/.test(code) ? code : encodeURIComponent(encodeURIComponent(code));
  const link = `${app.scheme}://${app.extension}${PATH}?code=${safe}`;
  if (relay === undefined) return link;
  return `${link}&relay=${encodeURIComponent(shortAddress(relay)).replaceAll('%3A', ':')}`;
}

/**
 * Reads a link.
 *
 * @param uri - its path and query, the query decoded once
 * @returns undefined for whatever is not exactly one of ours
 */
export function parseLink(uri: {
  readonly path: string;
  readonly query: string;
}): Linked | undefined {
  if (uri.path !== PATH || uri.query.length > MAX_QUERY) return undefined;
  const values = new URLSearchParams(uri.query);
  const [code = '', ...otherCodes] = values.getAll('code');
  const [relay, ...otherRelays] = values.getAll('relay');
  if (otherCodes.length + otherRelays.length > 0) return undefined;
  if (code.length > MAX_CODE || (relay?.length ?? 0) > MAX_RELAY) return undefined;
  try {
    networkOf(code);
    return relay === undefined ? { code } : { code, relay: parseRelayAddress(relay) };
  } catch {
    return undefined;
  }
}
