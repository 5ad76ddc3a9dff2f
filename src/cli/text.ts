/** The rendering of what a verb tells for people. */
import type { Writable } from 'node:stream';
import { isCrocRelay, networkOf, printable, shellQuoted } from '../core/index.js';
import type {
  Connection,
  CrocError,
  Offered,
  OfferEntry,
  Progress,
  ReceiveResult,
  RecipientState,
  Relay,
  RelayCheck,
  SenderState,
  Skipped,
  TransferResult,
} from '../core/index.js';
import { ProgressDisplay } from './bar.js';
import type { Screen } from './bar.js';
import {
  formatBytes,
  formatEntry,
  formatOffer,
  formatText,
  formatTotals,
  plural,
} from './format.js';
import type { OfferFacts } from './format.js';
import type { Reporter } from './reporter.js';

/** Entries that are listed before the rest is only counted. */
const LISTED = 30;

/** States that mean something to a person; the others pass in a moment. */
const SENTENCES: Partial<Record<SenderState | RecipientState, string>> = {
  'awaiting-y': 'Waiting for the other side …',
  verifying: 'Somebody uses the code; checking it …',
  'awaiting-staple': 'The code matches; connecting …',
  sending: 'Connected.',
  'awaiting-x': 'Found the sender.',
  'awaiting-h_k': 'Checking the code …',
  receiving: 'Connected.',
};

const REASONS: Record<Skipped['reason'], string> = {
  'special-file': 'neither a file, a folder nor a link',
  'link-leaves-folder': 'a link that points out of the folder',
  'unsendable-name': 'its name cannot be written on every machine',
};

/** Tells everything in sentences: on stdout what counts, on stderr progress, warnings and errors. */
export class TextReporter implements Reporter {
  readonly #stdout: Writable;
  /** Where sentences go: stdout, unless that is only for a text. */
  readonly #sentences: NodeJS.WritableStream;
  readonly #stderr: Screen;
  readonly #onlyText: boolean;
  readonly #display: ProgressDisplay;
  #state: string | undefined;
  /** Whether a lost connection was told of, and not yet that it is back. */
  #lost = false;

  /** @param onlyText - stdout gets a text that is received, as it is, and nothing else */
  constructor(stdout: Writable, stderr: Screen, onlyText = false) {
    this.#stdout = stdout;
    this.#sentences = onlyText ? stderr : stdout;
    this.#onlyText = onlyText;
    this.#stderr = stderr;
    this.#display = new ProgressDisplay(stderr);
  }

  #say(...lines: string[]): void {
    this.#sentences.write(`${lines.join('\n')}\n`);
  }

  listening({ url, ports }: Pick<Relay, 'url' | 'ports'>): void {
    this.#say(
      `Relay at ${url}, TCP ports ${ports.join(', ')}.`,
      `Others use it with --relay ${url}. Stop it with Ctrl+C.`,
    );
  }

  code(code: string, relay: string, announced: boolean): void {
    if (isCrocRelay(relay)) this.#sayCroc(code, relay);
    else
      this.#say(
        `Code: ${code}`,
        '',
        'The other side types',
        `  croc-share receive ${inShell(code)} --relay ${relay}`,
        `or, in VS Code, "Croc: Receive croc code", with the relay ${relay}`,
        ...(announced ? ['On this network the relay is found by itself.'] : []),
        '',
      );
  }

  #sayCroc(code: string, relay: string): void {
    const isPublic = networkOf(code) === 'croc';
    const address = relay.slice('croc://'.length);
    this.#say(
      `Code: ${code}`,
      '',
      'The other side types',
      `  croc --relay ${address}     (the croc program, version 11; it asks for the code)`,
      `  croc-share receive ${inShell(code)} --relay ${relay}`,
      ...(isPublic ? [`or, in VS Code, "Croc: Receive croc code"`] : []),
      '',
    );
  }

  offered({ totals, skipped, ignored }: Offered): void {
    for (const { path, reason } of skipped)
      this.#stderr.write(`Not sent: ${printable(path)} (${REASONS[reason]})\n`);
    if (ignored > 0) this.#say(`Left out, because ignored: ${ignored.toLocaleString('en')}.`);
    if (totals.files + totals.folders > 0) this.#say(`Offering ${formatTotals(totals)}.`);
    else this.#say('Offering a text.');
  }

  state(state: SenderState | RecipientState): void {
    const sentence = SENTENCES[state];
    if (state === this.#state || sentence === undefined) return;
    this.#state = state;
    this.#say(sentence);
  }

  offer(offer: OfferFacts): void {
    const { entries } = offer;
    const shown = mostTelling(entries);
    if (shown.length > 0) this.#say(...shown.map(formatEntry));
    if (entries.length > shown.length)
      this.#say(`… and ${(entries.length - shown.length).toLocaleString('en')} more`);
    this.#say(`Offered: ${formatOffer(offer)}.`);
  }

  text({ text = '', content = new Uint8Array() }: OfferFacts): void {
    // To a program or a file it goes as it is; a terminal would obey what is in it.
    const obeys = 'isTTY' in this.#stdout && this.#stdout.isTTY === true;
    if (this.#onlyText && !obeys) this.#stdout.write(content);
    else this.#stdout.write(`${formatText(text)}${text.endsWith('\n') ? '' : '\n'}`);
  }

  progress(progress: Progress): void {
    this.#display.update(progress);
  }

  connection({ connected, giveUpInMs }: Connection): void {
    if (this.#lost === !connected) return;
    this.#lost = !connected;
    // The bar is drawn anew below the sentence, by the next progress.
    this.#display.end();
    const seconds = Math.max(1, Math.ceil(giveUpInMs / 1000));
    this.#stderr.write(
      connected ? 'Connected again.\n' : `Connection lost, trying for another ${seconds} s.\n`,
    );
  }

  sent(result: TransferResult): void {
    this.#display.end();
    const what = isText(result) ? '' : `${plural(result.files, 'file')}, `;
    this.#say(`Sent ${what}${sizes(result)}.`);
  }

  received(result: ReceiveResult): void {
    this.#display.end();
    if (isText(result)) return;
    this.#say(`Received ${plural(result.files, 'file')}, ${sizes(result)}:`);
    this.#say(...result.roots.map((root) => `  ${printable(root)}`));
  }

  checked({ url, version, roundTripMs, ports }: RelayCheck): void {
    const ours = version === undefined ? 'a Croc relay' : `a Croc relay, protocol ${version}`;
    const says = isCrocRelay(url) ? 'a relay of the croc program that lets you in' : ours;
    const away = roundTripMs < 10 ? roundTripMs.toFixed(1) : roundTripMs.toFixed(0);
    this.#say(`${url}: ${says}, ${away} ms away.`);
    for (const { port, reachable } of ports)
      this.#say(`  TCP port ${port}: ${reachable ? 'can be reached' : 'blocked'}`);
  }

  failed(error: CrocError): void {
    this.#display.end();
    this.#stderr.write(`${error.message}\n`);
  }
}

/**
 * What of a long offer is listed: all that is hidden, executable or a link, wherever it stands, so that
 * nobody accepts a `.ssh/authorized_keys` unseen among thousands; then as much of the rest as has room.
 */
function mostTelling(entries: readonly OfferEntry[]): readonly OfferEntry[] {
  if (entries.length <= LISTED) return entries;
  const tells = ({ path, kind, executable }: OfferEntry): boolean =>
    executable || kind === 'symlink' || (kind === 'file' && /(^|\/)\./.test(path));
  const telling = entries.filter(tells);
  const rest = entries.filter((entry) => !tells(entry));
  const chosen = new Set([...telling, ...rest.slice(0, Math.max(0, LISTED - telling.length))]);
  return entries.filter((entry) => chosen.has(entry));
}

/** Whether it was a text: bytes, but no file. */
const isText = ({ files, bytes }: TransferResult): boolean => files === 0 && bytes > 0;

/** How much there is, and how much of it crossed the wire when that differs. */
function sizes({ bytes, transferred }: TransferResult): string {
  const all = formatBytes(bytes);
  return transferred === bytes ? all : `${all} (${formatBytes(transferred)} over the wire)`;
}

/** Only a code of somebody's own has characters that a shell would read. */
function inShell(code: string): string {
  return /^[\w-]+$/.test(code) ? code : shellQuoted(code);
}
