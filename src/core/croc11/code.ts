/** Codes of croc's own network: which room they name, which password, which of several relays. */
import { createHash } from 'node:crypto';
import type { RandomBytes } from '../edges.js';
import { generateSecret, isWords, normalise } from '../code.js';
import { CrocError } from '../errors.js';

/** What a code says. */
export interface CrocCode {
  /** Where both meet at the relay: 64 hex digits. The relay sees it. */
  readonly room: string;
  /** The password of the exchange between the peers. Secret. */
  readonly password: string;
  /** SHA-256 of the code, from which a pair takes its relay out of a list. */
  readonly digest: Buffer;
}

/** The public relays of croc, in its order; a pair takes one of them by its code. */
export const PUBLIC_RELAYS = [1, 2, 3, 4].map((number) => `${number}.getcroc.com:9009`);
/** Characters of a code, at least. */
const MIN_CHARACTERS = 6;
const MAX_CHARACTERS = 200;
/** Bytes of a code of another form that name the room; the byte after them is left out. */
const SELECTOR_BYTES = 4;

/** A new code: three words, as croc makes them. @param random - a cryptographic generator */
export function generateCrocCode(random: RandomBytes): string {
  return generateSecret(random);
}

/**
 * Reads a code of croc's own network. Words are forgiven case and white space; a code of another form is taken
 * as it is.
 *
 * @throws CrocError `invalid_code`
 */
export function parseCrocCode(text: string): CrocCode {
  const words = normalise(text);
  const code = selectorOf(words) === undefined ? text.trim() : words;
  if (!/^[\x20-\x7e]+$/.test(code))
    throw new CrocError('invalid_code', { detail: 'it has other characters than ASCII' });
  if (code.length < MIN_CHARACTERS || code.length > MAX_CHARACTERS)
    throw new CrocError('invalid_code', { detail: 'it is too short or too long' });
  const selector = selectorOf(code) ?? code.slice(0, SELECTOR_BYTES);
  const hash = (of: string): Buffer => createHash('sha256').update(of).digest();
  return {
    room: hash(`${selector}croc`).toString('hex'),
    password: code.slice(selector.length + 1),
    digest: hash(code),
  };
}

/** The relay that a pair meets at, out of a list: SHA-256 of the code as a number, modulo its length. */
export function relayOf({ digest }: CrocCode, relays: readonly string[]): string {
  const number = BigInt(`0x${digest.toString('hex')}`) % BigInt(relays.length);
  const relay = relays[Number(number)];
  if (relay === undefined) throw new CrocError('no_relay');
  return relay;
}

/** What names the room in a code of three or four words; undefined for every other code. */
function selectorOf(code: string): string | undefined {
  const listed = /^(yo-yo|[a-z]+)-/.exec(code)?.[1];
  if (listed !== undefined && isWords(code, 3)) return listed;
  const words = code.split('-');
  if (!words.every((word) => /^[a-z]+$/.test(word))) return undefined;
  if (words.length === 3) return words[0];
  return words.length === 4 ? words.slice(0, 2).join('-') : undefined;
}
