/** What the command line and the environment say, parsed once. */
import {
  CrocError,
  isCrocRelay,
  parseCrocRelayAddress,
  parseMulticast,
  parseRelayAddress,
} from '../core/index.js';
import type { Multicast, RelayOptions } from '../core/index.js';

/** The environment variables that the program reads, each absent or a text. */
export type Environment = Readonly<Record<string, string | undefined>>;

const usage = (detail: string) => new CrocError('usage', { detail });

/** @throws CrocError `usage` when it is no address of a relay */
function parseRelay(text: string): string {
  try {
    return isCrocRelay(text) ? parseCrocRelayAddress(text) : parseRelayAddress(text);
  } catch {
    throw usage(
      `${text} is not a relay address; write http://host:port, host:port or croc://host:port`,
    );
  }
}

/** The relay of `--relay`, else of `CROC_RELAY`, else none. @throws CrocError `usage` */
export function chooseRelay(option: string | undefined, env: Environment): string | undefined {
  const text = option ?? env.CROC_RELAY;
  return text === undefined || text.trim() === '' ? undefined : parseRelay(text.trim());
}

/** Where to announce and to look for relays: a place, everywhere (`{}`), or nowhere. */
export type Surroundings = Multicast | 'nowhere';

/**
 * Reads `CROC_MULTICAST`: `off`, or the IPv4 address of the one interface to use, with a UDP port if it is to
 * be another than 5353.
 * @throws CrocError `usage`
 */
export function chooseSurroundings(env: Environment): Surroundings {
  const text = env.CROC_MULTICAST ?? '';
  const parsed = parseMulticast(text);
  if (parsed === undefined)
    throw usage(`CROC_MULTICAST is ${text}; it is off, an IPv4 address, or one with :port`);
  return parsed;
}

/**
 * How a relay of ours is announced.
 * @param wished - whether the command line lets it be
 */
export function announcementOf(
  wished: boolean,
  env: Environment,
): Pick<RelayOptions, 'announce' | 'multicast'> {
  const surroundings = chooseSurroundings(env);
  return wished && surroundings !== 'nowhere' ? { announce: true, multicast: surroundings } : {};
}

/**
 * Puts the code together from the command line and `CROC_SECRET`, so that the secret need not be
 * in the process list (CVE-2023-43621). A whole code on the command line counts alone. A channel
 * alone (`417`) is completed by `CROC_SECRET`, which may hold the secret (`lunar-acorn-quilt`) or
 * the whole code. Nothing on the command line: `CROC_SECRET` holds the whole code.
 * @param words - what the command line gave; several words count as one code
 * @returns the code, not yet checked, or undefined when there is none
 */
export function chooseCode(words: readonly string[], env: Environment): string | undefined {
  const given = words.join(' ').trim();
  const hidden = (env.CROC_SECRET ?? '').trim();
  if (given === '') return hidden === '' ? undefined : hidden;
  if (/[-\s]/.test(given) || hidden === '') return given;
  const [first] = hidden.split(/[-\s]/, 1);
  return first?.toLowerCase() === given.toLowerCase() ? hidden : `${given}-${hidden}`;
}

const RATE = /^(\d+(?:\.\d+)?)([kmg]?)b?$/i;
const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/**
 * Reads `--limit`: bytes a second, with k, M or G for thousands, millions or thousand millions of them.
 * @throws CrocError `usage`
 */
export function chooseLimit(option: string | undefined): { readonly limit?: number } {
  if (option === undefined) return {};
  const [, digits = '', suffix = ''] = RATE.exec(option.trim()) ?? [];
  const limit = Math.floor(Number(digits) * (FACTORS[suffix.toLowerCase()] ?? Number.NaN));
  if (digits === '' || !Number.isSafeInteger(limit) || limit < 1)
    throw usage(`--limit is ${option}; it is bytes a second, like 500k or 2M`);
  return { limit };
}

/**
 * The relay's password of `--relay-password`, else of `CROC_RELAY_PASSWORD`, as options for `Croc`; none when
 * there is none.
 */
export function chooseRelayPassword(
  option: string | undefined,
  env: Environment,
): { readonly relayPassword?: string } {
  const relayPassword = option ?? env.CROC_RELAY_PASSWORD ?? '';
  return relayPassword === '' ? {} : { relayPassword };
}
