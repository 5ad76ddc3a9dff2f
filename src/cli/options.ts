/** What the command line and the environment say, parsed once. */
import { CrocError, parseRelayAddress } from '../core/index.js';

/** The environment variables that the program reads, each absent or a text. */
export type Environment = Readonly<Record<string, string | undefined>>;

const usage = (detail: string) => new CrocError('usage', { detail });

/** @throws CrocError `usage` when it is no address of a relay */
function parseRelay(text: string): string {
  try {
    return parseRelayAddress(text);
  } catch {
    throw usage(`${text} is not a relay address; write http://host:port or host:port`);
  }
}

/** The relay of `--relay`, else of `CROC_RELAY`, else none. @throws CrocError `usage` */
export function chooseRelay(option: string | undefined, env: Environment): string | undefined {
  const text = option ?? env.CROC_RELAY;
  return text === undefined || text.trim() === '' ? undefined : parseRelay(text.trim());
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
