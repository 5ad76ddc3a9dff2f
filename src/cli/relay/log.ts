/** What a relay's operator reads on stderr: one JSON object a line, or text on a terminal. */
import type { Writable } from 'node:stream';
import { printable } from '../../core/index.js';
import type { RelayEvent } from '../../core/index.js';

/** How much is logged: a level and all before it. */
export const LOG_LEVELS = ['off', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = 'auto' | 'json' | 'text';
type Level = Exclude<LogLevel, 'off'>;

/** Facts of one line; none of them is ever a code, a capability, a name of a channel or of a file. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | readonly number[] | undefined>
>;

/** The level and words of every event. A refusal is nothing unusual on the internet. */
const EVENTS: Record<RelayEvent['kind'], readonly [Level, string]> = {
  'channel-opened': ['info', 'channel opened'],
  'channels-expired': ['info', 'channels expired'],
  stapled: ['info', 'transfer begins'],
  'lanes-ended': ['info', 'transfer ended'],
  'pair-ended': ['debug', 'channel ended'],
  refused: ['debug', 'request refused'],
  'accept-failed': ['warn', 'a connection could not be accepted; no file descriptor may be left'],
  limited: ['info', 'a limit was reached'],
  draining: ['info', 'draining: no new channels'],
};

/** Writes lines of at most one level. */
export class RelayLog {
  readonly #out: Writable;
  readonly #level: number;
  readonly #text: boolean;
  readonly #now: () => Date;

  /** @param text - lines for people instead of JSON */
  constructor(out: Writable, level: LogLevel, text: boolean, now = (): Date => new Date()) {
    this.#out = out;
    this.#level = LOG_LEVELS.indexOf(level);
    this.#text = text;
    this.#now = now;
  }

  /** Writes one line when its level is asked for. */
  write(level: Level, message: string, fields: LogFields = {}): void {
    if (LOG_LEVELS.indexOf(level) > this.#level) return;
    const time = this.#now().toISOString();
    const line = this.#text
      ? [time, level.padEnd(5), message, ...Object.entries(fields).flatMap(pair)].join(' ')
      : JSON.stringify({ time, level, message, ...fields });
    this.#out.write(`${line}\n`);
  }

  /** Writes what a relay tells. What a limit refused is worth more than what a stranger did wrong. */
  event(event: RelayEvent): void {
    const { kind, ...fields } = event;
    const [level, message] = EVENTS[kind];
    const limited = event.kind === 'refused' && event.limit !== undefined;
    // A client that leaves its connection open is nothing unusual either.
    const ordinary = event.kind === 'limited' && event.limit === 'keepAliveMs';
    this.write(limited ? 'info' : ordinary ? 'debug' : level, message, fields);
  }
}

function pair([key, value]: readonly [string, LogFields[string]]): string[] {
  return value === undefined ? [] : [`${key}=${printable(String(value))}`];
}
