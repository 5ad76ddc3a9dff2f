/**
 * Code phrases, `<channel>-<secret>`, like `417-lunar-acorn-quilt` (docs/protocol.md, "Code
 * phrase"). No error from here carries any of what was typed: it may be a secret.
 */
import type { RandomBytes } from './edges.js';
import { CrocError } from './errors.js';
import { WORDS } from './words.js';

/** A code phrase, taken apart. */
export interface Code {
  /** The relay's name for the meeting: 1 to 32 of a–z and 0–9, with a digit among them. Public. */
  readonly channel: string;
  /** The password of the key exchange: 4 to 128 characters, normalised. Secret. */
  readonly secret: string;
}

const MAX_CHANNEL = 32;
const MIN_SECRET = 4;
const MAX_SECRET = 128;
// Two bytes a word; numbers from the last whole multiple on would make the first words likelier.
const DRAW_LIMIT = 65_536 - (65_536 % WORDS.length);
// One draw in ninety is thrown away, so only a broken source gets this far.
const MAX_DRAWS = 64;

function invalid(detail: string): CrocError {
  return new CrocError('invalid_code', { detail });
}

// Lower-casing may leave text that is not in NFC, so that comes last again. White space, also around
// a dash, is a dash: "417 dozen - lunar" is what a hurried person types.
/** A typed code in normal form: NFC, lower case, dashes for white space. */
export function normalise(text: string): string {
  const trimmed = text.normalize('NFC').toLowerCase().normalize('NFC').trim();
  return trimmed.replace(/\s*-\s*|\s+/gu, '-');
}

function checkChannel(channel: string): void {
  if (channel.length > MAX_CHANNEL) {
    throw invalid(`what stands before the first dash is longer than ${MAX_CHANNEL} characters`);
  }
  if (!/^[a-z0-9]+$/.test(channel)) {
    throw invalid('what stands before the first dash may only have the letters a to z and digits');
  }
}

function checkSecret(secret: string): void {
  const characters = Array.from(secret).length;
  if (characters === 0) throw invalid('the words after the first dash are missing');
  if (characters < MIN_SECRET) {
    throw invalid(`what follows the first dash is shorter than ${MIN_SECRET} characters`);
  }
  if (characters > MAX_SECRET) {
    throw invalid(`what follows the first dash is longer than ${MAX_SECRET} characters`);
  }
}

/**
 * Reads a code phrase that a person typed. Forgives case, surrounding white space and white space
 * for dashes; what it gives is in normal form, so both sides get the same bytes.
 * @throws CrocError `croc_network` for a code without a digit before its first dash;
 *   `invalid_code`, whose detail says what is wrong, for everything else that is not a code
 */
export function parseCode(text: string): Code {
  const normal = normalise(text);
  if (normal === '') throw invalid('it is empty');
  if (/[\p{Cc}\p{Cf}\p{Cs}]/u.test(normal)) throw invalid('it contains an invisible character');
  const dash = normal.indexOf('-');
  if (dash === 0) throw invalid('it starts with a dash');
  if (dash === -1) throw invalid('it has no dash');
  const channel = normal.slice(0, dash);
  const secret = normal.slice(dash + 1);
  // This digit is all that tells a channel code from a code of croc's own network.
  if (!/[0-9]/.test(channel)) throw new CrocError('croc_network');
  checkChannel(channel);
  checkSecret(secret);
  return { channel, secret };
}

/**
 * Tells whether what was typed is meant as a code of croc's own network: several words, and no digit before
 * the first dash.
 */
export function isCrocCode(text: string): boolean {
  return /^[^0-9-]+-/.test(normalise(text));
}

/** The code phrase of a channel and a secret, as people tell it to each other. */
export function formatCode({ channel, secret }: Code): string {
  return `${channel}-${secret}`;
}

function randomWord(random: RandomBytes): string {
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const { buffer, byteOffset, byteLength } = random(2);
    const number = new DataView(buffer, byteOffset, byteLength).getUint16(0);
    const word = number < DRAW_LIMIT ? WORDS[number % WORDS.length] : undefined;
    if (word !== undefined) return word;
  }
  throw new CrocError('internal', { detail: 'the source of randomness is broken' });
}

/**
 * A new secret: three words, drawn independently and each equally likely, 31 bits.
 * @param random - a cryptographic generator
 * @throws CrocError `internal` if the generator is broken
 */
export function generateSecret(random: RandomBytes): string {
  return [randomWord(random), randomWord(random), randomWord(random)].join('-');
}

/**
 * The words that begin with what was typed of one, in alphabetical order; none while nothing was.
 * @param prefix - any case
 */
export function completeWord(prefix: string): readonly string[] {
  const start = prefix.trim().toLowerCase();
  return start === '' ? [] : WORDS.filter((word) => word.startsWith(start));
}

/**
 * Tells whether `text`, but for white space around it, is a code exactly as Croc makes and shows
 * them: digits and three words of the list. For prefilling from a clipboard, where any other
 * words must not be taken for a code; `parseCode` is more forgiving.
 */
export function looksLikeCode(text: string): boolean {
  const [, words] = /^\s*[0-9]{1,32}-([a-z-]{1,40})\s*$/.exec(text) ?? [];
  return words !== undefined && isWords(words, 3);
}

// By prefixes, not by dashes, because of `yo-yo`.
/** Tells whether a text is so many words of the list, joined by dashes. */
export function isWords(text: string, count: number): boolean {
  if (count === 1) return WORDS.includes(text);
  return WORDS.some(
    (word) => text.startsWith(`${word}-`) && isWords(text.slice(word.length + 1), count - 1),
  );
}

/** A text in quotes for a POSIX shell's command line: a code of somebody's own may have anything in it. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
