/** Receives from a croc sender: its list, the person's answer, one file after another. */
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { Destination } from '../files/destination.js';
import { checkOffer } from '../files/safePath.js';
import { totalsOf, withFolders } from '../transfer/selection.js';
import type { Decision, Receiver } from '../transfer/inbound.js';
import type { TextContent } from '../transfer/text.js';
import type { ConflictChoice, OfferEntry, Progress, ReceiveResult } from '../types.js';
import { decodeCrocChunk } from '../wire/crocChunk.js';
import { decodeCrocOffer, encodeCrocRequest } from '../wire/crocOffer.js';
import type { CrocFile, CrocOffer } from '../wire/crocOffer.js';
import { REFUSING } from './control.js';
import { hashNamed } from './hashes.js';
import { InOrder } from './inOrder.js';
import type { CrocConnection } from './connection.js';
import type { CrocLink } from './meeting.js';
import { FileWriter } from './fileWriter.js';
import { fileAsText } from './text.js';

type Accepted = Extract<Decision, { accept: true }>;

/** The file that is being received. */
interface Current {
  readonly file: CrocFile;
  readonly size: number;
  readonly chunks: InOrder;
}

/** Receives over a link. */
export class CrocRecipient {
  readonly #link: CrocLink;
  readonly #receiver: Receiver;
  readonly #random: RandomBytes;
  readonly #onProgress: (progress: Progress) => void;
  #current: Current | undefined;
  #received = 0;
  #total = 0;

  constructor(
    link: CrocLink,
    receiver: Receiver,
    random: RandomBytes,
    onProgress: (progress: Progress) => void,
  ) {
    this.#link = link;
    this.#receiver = receiver;
    this.#random = random;
    this.#onProgress = onProgress;
  }

  /**
   * Runs until everything is on the disk and the sender was told so.
   *
   * @throws CrocError `refused` when the person said no, what is wrong with the offer or the disk, or why the
   *   sender stopped; then nothing unfinished has its final name
   */
  async run(): Promise<ReceiveResult> {
    const { control } = this.#link;
    const info = await control.expect('fileinfo');
    const offer = decodeCrocOffer(info.bytes ?? new Uint8Array(0));
    checkOffer(offer.entries);
    for (const connection of this.#link.data) void this.#readChunks(connection);
    if (offer.isText) return this.#receiveText(offer);
    const decision = await this.#ask(offer.entries);
    return this.#receive(offer, decision);
  }

  /** Shows the offer and waits for the person. @throws CrocError `refused`, and `connection_lost` meanwhile */
  async #ask(entries: readonly OfferEntry[], text?: TextContent): Promise<Accepted> {
    const { control } = this.#link;
    this.#receiver.onEntries(entries);
    this.#receiver.onOffer(totalsOf(entries), text);
    const gone = control.connection.closed.then(() => {
      throw new CrocError('connection_lost');
    });
    const decision = await Promise.race([this.#receiver.decide(), gone]);
    if (decision.accept) return decision;
    await control.tell(REFUSING);
    throw new CrocError('refused');
  }

  /** A text comes before the question, so that there is something to ask about; it is never written. */
  async #receiveText({ entries, files, hashAlgorithm }: CrocOffer): Promise<ReceiveResult> {
    const [[entry], [file]] = [entries, files];
    if (!entry || !file) throw new CrocError('internal');
    const hash = (await hashNamed(hashAlgorithm))?.();
    const parts: Buffer[] = [];
    await this.#receiveFile(0, file, entry, (bytes) => {
      hash?.update(bytes);
      parts.push(bytes);
      return undefined;
    });
    if (hash && file.hash.length > 0 && !hash.digest().equals(file.hash))
      throw new CrocError('file_changed');
    await this.#ask([], fileAsText(Buffer.concat(parts)));
    await this.#finish();
    return { files: 0, bytes: 0, roots: [], transferred: this.#received };
  }

  async #receive(offer: CrocOffer, decision: Accepted): Promise<ReceiveResult> {
    const { entries } = offer;
    if (decision.to === undefined)
      throw new CrocError('usage', { detail: 'no folder to write into' });
    const destination = await Destination.open(decision.to, entries, { random: this.#random });
    try {
      const wanted = await this.#plan(destination, entries, decision);
      this.#total = [...wanted].reduce((sum, index) => sum + (entries[index]?.size ?? 0), 0);
      const hash = await hashNamed(offer.hashAlgorithm);
      for (const [index, file] of offer.files.entries()) {
        const entry = entries[file.entry];
        if (entry?.kind !== 'file' || entry.size === 0 || !wanted.has(file.entry)) continue;
        const comparable = file.hash.length > 0 ? hash?.() : undefined;
        const writer = new FileWriter(destination, file, entry.size, comparable);
        await this.#receiveFile(index, file, entry, (part) => writer.write(part));
      }
      const { files, bytes, roots } = await destination.finish();
      await this.#finish();
      return { files, bytes, roots, transferred: this.#received };
    } catch (error) {
      await destination.abort();
      throw error;
    }
  }

  /** Settles what to do with what is there already. @returns indices of what is to be received */
  async #plan(
    destination: Destination,
    entries: readonly OfferEntry[],
    { only, onConflict }: Accepted,
  ): Promise<Set<number>> {
    const wanted = new Set(withFolders(entries, only));
    const found = await destination.conflicts([...wanted]);
    const conflicts = new Map(found.map((conflict) => [conflict.entry, conflict]));
    for (const index of [...wanted]) {
      const entry = entries[index];
      const conflict = entry && conflicts.get(entry);
      let choice: ConflictChoice = 'rename';
      if (conflict)
        choice = onConflict === 'ask' ? await this.#receiver.choose(conflict) : onConflict;
      if (!destination.plan(index, choice)) wanted.delete(index);
    }
    return wanted;
  }

  /** Asks for a file and takes all of it. @param take - gets its bytes in order */
  async #receiveFile(
    index: number,
    file: CrocFile,
    entry: OfferEntry,
    take: (bytes: Buffer) => Promise<void> | undefined,
  ): Promise<void> {
    const { control } = this.#link;
    const chunks = new InOrder(entry.size, (bytes) => {
      this.#received += bytes.length;
      this.#report(entry.path);
      return take(bytes);
    });
    this.#current = { file, size: entry.size, chunks };
    await control.say({ type: 'recipientready', bytes: encodeCrocRequest(index) });
    // While the file comes the sender has nothing else to say than that it cannot go on.
    const word = control.hear();
    word.catch((error: unknown) => chunks.fail(error));
    const early = word.then((message) => {
      throw new CrocError('protocol_error', {
        detail: `"${message.type}" in the middle of a file`,
      });
    });
    await Promise.race([chunks.done, early]);
    this.#current = undefined;
    await control.say({ type: 'close-sender' });
    const { type } = await word;
    if (type !== 'close-recipient') throw new CrocError('protocol_error', { detail: type });
  }

  async #finish(): Promise<void> {
    await this.#link.control.say({ type: 'finished' });
    await this.#link.control.expect('finished');
  }

  /** One connection's loop: chunks of whatever file is current. */
  async #readChunks(connection: CrocConnection): Promise<void> {
    try {
      for (;;) {
        const body = await connection.read();
        const current = this.#current;
        if (!current)
          throw new CrocError('protocol_error', { detail: 'data that nobody asked for' });
        const { compressed } = current.file;
        await current.chunks.add(decodeCrocChunk(body, compressed, this.#link.key, current.size));
      }
    } catch (error) {
      // Ends whoever waits for this file or for the sender's next word; after the end nobody does.
      this.#current?.chunks.fail(error);
      this.#link.control.connection.fail(CrocError.from(error));
    }
  }

  #report(path: string): void {
    this.#onProgress({
      bytes: this.#received,
      total: this.#total,
      transferred: this.#received,
      path,
    });
  }
}
