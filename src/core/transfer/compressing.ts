/**
 * What is compressed and how much: only what gets smaller by it, and only as long as compressing is a good deal
 * faster than the way to the recipient.
 */
import { brotliCompressSync, constants } from 'node:zlib';
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { compress } from '../wire/compressed.js';
import type { LinkRate } from './linkRate.js';

/** Less is not worth it, bytes of a record. */
const LEAST_BYTES = 512;
/** More than this part of the bytes left over is not worth it. */
const WORTH = 0.9;
/** A record is judged by so many samples of so many bytes, spread over it. */
const SAMPLES = 4;
const SAMPLE_BYTES = 4096;
/** So many bytes of a file go as they are after a sample of it did not get smaller. */
const HOPELESS_BYTES = 16 * 1024 * 1024;
/** Files of which is remembered that they do not get smaller. */
const MAX_HOPELESS = 64;
/** As long as nothing is known of a link to somebody far away, records on their way before the next one is compressed. */
const MAX_BLIND = 4;
/** Records compressed at a time; the pool has four threads, and reads files, too. */
const AT_ONCE = 2;
/** Compressing must be so many times faster than the link: others want the processor, too. */
const HEADROOM = 4;
/** Shorter records say little about the processor, bytes. */
const TELLING_BYTES = 64 * 1024;

/** Brotli's qualities that are used, the best first, and how many bytes a second they take on a usual machine. */
const QUALITIES = [
  { quality: 5, bytesPerSecond: 50e6 },
  { quality: 3, bytesPerSecond: 130e6 },
  { quality: 1, bytesPerSecond: 250e6 },
] as const;
type Quality = (typeof QUALITIES)[number];
/** Until anything is known of the link: little time lost if it is fast, little space if it is slow. */
const QUICKEST: Quality = QUALITIES[2];

/** Compresses the data records of one transfer. */
export class Compressing {
  readonly #rate: LinkRate;
  readonly #limit: number;
  readonly #isNear: boolean;
  #probed = false;
  /** Entry → bytes of it that are still to go as they are. */
  readonly #hopeless = new Map<number, number>();
  /** This machine beside a usual one. */
  #speed = 1;
  #free = AT_ONCE;
  readonly #waiting: Deferred<undefined>[] = [];

  /**
   * @param rate - what is known of the link
   * @param limit - bytes a second that are sent at most
   * @param isNear - whether the recipient is heard from at once: then the link may well be fast
   */
  constructor(rate: LinkRate, limit = Infinity, isNear = false) {
    this.#limit = limit;
    this.#isNear = isNear;
    this.#rate = rate;
  }

  /**
   * Compresses a record, if that is worth it.
   *
   * @param parts - the record's plaintext
   * @param entry - the file, when the record has a piece of one large file
   * @returns the compressed record's plaintext; undefined when the record should go as it is
   */
  async compress(
    parts: readonly Uint8Array[],
    entry?: number,
  ): Promise<readonly Uint8Array[] | undefined> {
    const bytes = sizeOf(parts);
    if (!this.#choose() || bytes < LEAST_BYTES || this.#isHopeless(entry, bytes)) return undefined;
    const plain = Buffer.concat(parts, bytes);
    if (!getsSmaller(plain)) {
      this.#giveUp(entry);
      return undefined;
    }
    if (await this.#probes()) return undefined;
    const chosen = this.#choose();
    if (!chosen) return undefined;
    const packed = await this.#compress(plain, chosen);
    if (sizeOf(packed) < WORTH * bytes) return packed;
    this.#giveUp(entry);
    return undefined;
  }

  /**
   * Waits as long as something should be known of the link first. To somebody near, one record as it is shows
   * that soon; over a long way a record that is compressed does, and some may follow meanwhile.
   *
   * @returns whether this record should go as it is to show that
   */
  async #probes(): Promise<boolean> {
    const rate = this.#rate;
    if (rate.bytesPerSecond !== undefined || this.#limit !== Infinity) return false;
    if (this.#isNear && !this.#probed) {
      this.#probed = true;
      return true;
    }
    if (this.#isNear || rate.onTheirWay >= MAX_BLIND) await rate.first;
    return false;
  }

  /** The best quality that the link leaves time for. */
  #choose(): Quality | undefined {
    const rate = this.#rate.bytesPerSecond;
    if (rate === undefined && this.#limit === Infinity) return QUICKEST;
    const link = Math.min(rate ?? Infinity, this.#limit);
    return QUALITIES.find((one) => one.bytesPerSecond * this.#speed > HEADROOM * link);
  }

  async #compress(plain: Buffer, chosen: Quality): Promise<readonly Buffer[]> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn();
    try {
      const startMs = performance.now();
      const packed = await compress(plain, chosen.quality);
      this.#learn(plain.length, chosen, performance.now() - startMs);
      return packed;
    } finally {
      const next = this.#waiting.shift();
      if (next) next.resolve(undefined);
      else this.#free += 1;
    }
  }

  #turn(): Promise<undefined> {
    const turn = deferred<undefined>();
    this.#waiting.push(turn);
    return turn.promise;
  }

  #learn(bytes: number, { bytesPerSecond }: Quality, tookMs: number): void {
    if (bytes < TELLING_BYTES) return;
    const speed = (bytes * 1000) / Math.max(0.1, tookMs) / bytesPerSecond;
    this.#speed = (3 * this.#speed + speed) / 4;
  }

  #isHopeless(entry: number | undefined, bytes: number): boolean {
    const left = entry === undefined ? undefined : this.#hopeless.get(entry);
    if (entry === undefined || left === undefined) return false;
    if (left > bytes) this.#hopeless.set(entry, left - bytes);
    else this.#hopeless.delete(entry);
    return true;
  }

  #giveUp(entry: number | undefined): void {
    if (entry === undefined) return;
    this.#hopeless.set(entry, HOPELESS_BYTES);
    const [oldest] = this.#hopeless.keys();
    if (oldest !== undefined && this.#hopeless.size > MAX_HOPELESS) this.#hopeless.delete(oldest);
  }
}

/** Compresses a record that was compressed once more, for another connection. */
export function compressAgain(parts: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  return compress(Buffer.concat(parts), QUICKEST.quality);
}

/** Bytes of a record's plaintext in pieces. */
export function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Whether a few samples get smaller; takes some 0.1 ms. */
function getsSmaller(plain: Buffer): boolean {
  let samples = plain;
  if (plain.length > SAMPLES * SAMPLE_BYTES) {
    const step = Math.floor((plain.length - SAMPLE_BYTES) / (SAMPLES - 1));
    const starts = Array.from({ length: SAMPLES }, (_, index) => index * step);
    samples = Buffer.concat(starts.map((at) => plain.subarray(at, at + SAMPLE_BYTES)));
  }
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUICKEST.quality,
    [constants.BROTLI_PARAM_LGWIN]: 18,
  };
  return brotliCompressSync(samples, { params }).length < WORTH * samples.length;
}
