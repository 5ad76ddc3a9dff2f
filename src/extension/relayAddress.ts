/** The address of a relay as people type it. Pure. */

const DEFAULT_PORT = 8003;

/** What is wrong with a typed address; texts.ts has the sentences. */
export type AddressProblem = 'empty' | 'not-an-address' | 'not-http' | 'has-a-path';

/** A relay's address, or what is wrong with what was typed. */
export type ParsedAddress =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly problem: AddressProblem };

const wrong = (problem: AddressProblem): ParsedAddress => ({ ok: false, problem });

/**
 * Takes `host:port`, `host` (port 8003, the relay's default), `[v6]:port`, a whole
 * `http://host:port`, or `https://host` for a relay behind a proxy.
 *
 * @param typed - as it was typed, spaces around it are forgiven
 * @returns `http://host:port` or `https://host:port`, always with the port
 */
export function parseRelayAddress(typed: string): ParsedAddress {
  const text = typed.trim();
  if (text === '') return wrong('empty');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') return wrong('not-http');
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3);
  if (/[\s@?#\\]/.test(rest)) return wrong('not-an-address');
  if (/\/./.test(rest)) return wrong('has-a-path');
  const parts = /^(\[[0-9a-f:.%]+\]|[^:[\]/]+)(?::(\d{1,5}))?\/?$/i.exec(rest);
  const host = parts?.[1];
  const port = Number(parts?.[2] ?? (scheme === 'https' ? 443 : DEFAULT_PORT));
  if (host === undefined || port < 1 || port > 65535) return wrong('not-an-address');
  try {
    const { hostname } = new URL(`http://${host}`);
    return { ok: true, url: `${scheme ?? 'http'}://${hostname}:${port}` };
  } catch {
    return wrong('not-an-address');
  }
}
