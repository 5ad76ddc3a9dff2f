/** The questions of `receive`: which relay? take the offer? what about a file that is already there? */
import { printable } from '../core/index.js';
import type { Conflict, ConflictChoice } from '../core/index.js';
import { formatBytes } from './format.js';
import type { Terminal } from './terminal.js';

/** Asks whether to take the offer. @param what - it in few words; anything but a clear yes is a no. */
export async function askAccept(
  terminal: Terminal,
  what: string,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await terminal.ask(`Accept ${what}? [y/N] `, signal);
  return /^y(es)?$/i.test(answer ?? '');
}

/** Asks which of several relays is the sender's; anything but a number of the list is none. */
export async function askRelay(
  terminal: Terminal,
  relays: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const lines = relays.map((relay, index) => `  ${index + 1}  ${relay}`);
  const answer = await terminal.ask(
    [
      'Several relays on this network have a channel of this name:',
      ...lines,
      "Which one does the sender see beside the code? A wrong one takes somebody else's place. ",
    ].join('\n'),
    signal,
  );
  return /^\d{1,2}$/.test(answer ?? '') ? relays[Number(answer) - 1] : undefined;
}

const CHOICES: ReadonlyMap<string, ConflictChoice> = new Map([
  ['o', 'overwrite'],
  ['k', 'rename'],
  ['s', 'skip'],
]);
const CONFLICT_QUESTION =
  '[o]verwrite, [k]eep both, [s]kip; a capital letter: the same for all that follow. [k] ';

/**
 * Makes the function that asks for each file that is already there. One question at a time; a
 * capital letter answers for all files that follow. When the input ends, both files are kept.
 */
export function conflictAsker(
  terminal: Terminal,
  signal: AbortSignal,
): (conflict: Conflict) => Promise<ConflictChoice> {
  let forAll: ConflictChoice | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function ask(conflict: Conflict): Promise<ConflictChoice> {
    if (forAll !== undefined) return forAll;
    let question = `${describe(conflict)}\n${CONFLICT_QUESTION}`;
    for (;;) {
      const answer = await terminal.ask(question, signal);
      if (answer === undefined || answer === '') return 'rename';
      const choice = CHOICES.get(answer.toLowerCase());
      if (choice !== undefined) {
        if (answer !== answer.toLowerCase()) forAll = choice;
        return choice;
      }
      question = CONFLICT_QUESTION;
    }
  }

  return (conflict) => {
    const answer = last.then(() => ask(conflict));
    // The next question waits for this one, whatever becomes of it.
    last = answer.catch(() => undefined);
    return answer;
  };
}

function describe({ entry, existing, existingSize, existingMtimeMs }: Conflict): string {
  return [
    `${printable(existing)} is already there:`,
    `  here:    ${formatBytes(existingSize).padStart(9)}, ${date(existingMtimeMs)}`,
    `  offered: ${formatBytes(entry.size).padStart(9)}, ${date(entry.mtimeMs)}`,
  ].join('\n');
}

/** A time in milliseconds since 1970 as `2025-03-01 13:37:00` in UTC; a peer may name any number. */
function date(timeMs: number): string {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return 'no valid date';
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
