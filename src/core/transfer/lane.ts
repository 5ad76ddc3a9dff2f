/**
 * One lane: in each direction one sequence of records, over as many connections as it takes. A lane that is
 * lost is dialled again; the peer says how many records it has, the rest is sent once more
 * (docs/protocol.md, "A lane that comes back").
 */
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import type { Role } from '../types.js';
import { RecordType } from '../wire/control.js';
import { LANE_SALT_BYTES } from '../wire/keys.js';
import type { LaneSecrets } from '../wire/keys.js';
import { decodePosition, encodePosition } from '../wire/position.js';
import type { ConnectionListener, LaneConnection } from './laneConnection.js';
import type { RedialParts } from './redial.js';
import { Search } from './search.js';
import { SentRecords } from './sentRecords.js';
import type { SentRecord } from './sentRecords.js';

/** Records that are taken before the peer is told of it without waiting for the next tick, at most: telling costs both. */
const POSITION_EVERY = 4;
/** At first the peer is told sooner, by that it learns how fast the way is: when a fourth of all is new. */
const POSITION_SHARE = 4;
/** A lane that stays for this long after it came back is well again, milliseconds. */
const WELL_AFTER_MS = 5000;
const END_PLAINTEXT = [Buffer.of(RecordType.end)];
const END: SentRecord = { heldBytes: 0, again: () => END_PLAINTEXT };

/** What a lane is made of beside its first connection. */
export interface LaneParts extends RedialParts {
  readonly role: Role;
  readonly secrets: LaneSecrets;
  readonly random: RandomBytes;
}

/** Who listens to a lane. Every call names the lane by its index. */
export interface LaneListener {
  /** A record that opened. A promise given back holds back the lane until it settles. */
  onRecord(lane: number, plaintext: Buffer): Promise<void> | undefined;
  /** The peer's authenticated end. */
  onEnd(lane: number): void;
  /** The lane is of no use any more: it did not come back. */
  onLost(lane: number, error: CrocError): void;
  /** The peer broke a rule on it, or somebody tampered with it. */
  onBroken(lane: number, error: CrocError): void;
  /** The connection was lost and is dialled again, or it is back. */
  onAway(lane: number): void;
}

/**
 * `up`: records go straight out. `away`: dialled again. `catching-up`: connected, what the peer does
 * not have is being sent again. `over`: both directions have ended and both sides know. `closed`: given up.
 */
type Phase = 'up' | 'away' | 'catching-up' | 'over' | 'closed';

/** One lane. */
export class Lane implements ConnectionListener {
  readonly index: number;
  readonly #parts: LaneParts;
  readonly #listener: LaneListener;
  readonly #sent = new SentRecords();
  readonly #closed = deferred<undefined>();
  readonly #search: Search;
  #connection: LaneConnection;
  #phase: Phase = 'up';
  /** While all lanes are opened together, none comes back by itself. */
  #opening = false;
  /** Whether both sides can reconnect; undefined until the peer's hello. */
  #reconnect: boolean | undefined;
  /** Whether the next connection is one that goes on by positions: somebody has heard a hello on this lane. */
  #again = false;
  /** Whether the peer has heard our hello, which its positions show. */
  #peerKnows = false;
  /** Settles at the next change of what `send` may wait for. */
  #change: Deferred<undefined> | undefined;
  /** Records of the peer that were taken, and how many of them the peer was told of. */
  #taken = 0;
  #told = 0;
  #endSaid = false;
  #peerEnded = false;
  #leaving = false;
  /** Whether a connection that is lost from now on is the end of the lane. */
  #final = false;
  /** Whether the lane was last lost because nothing came. */
  #silent = false;
  /** Since when the lane has not been well; undefined while it is. */
  #troubleMs: number | undefined;
  #upSinceMs = performance.now();

  /** @param connection - has said who it is, not started */
  constructor(connection: LaneConnection, parts: LaneParts, listener: LaneListener) {
    this.index = connection.index;
    this.#connection = connection;
    this.#parts = parts;
    this.#listener = listener;
    this.#search = new Search(parts, (next) => this.#use(next, this.#again));
  }

  /**
   * Begins to send and to read.
   * @param opening - whether the relay may still refuse this connection or that of another lane; `suspend` or `opened` tells
   */
  start(opening = false): void {
    this.#opening = opening;
    this.#use(this.#connection, false);
  }

  /** The relay has refused a lane, and all connections were closed; others follow, or it is the end. */
  suspend(): void {
    if (this.#phase === 'closed' || this.#phase === 'over') return;
    if (!this.#search.settle(false)) this.#lose();
  }

  /** Another connection instead of the refused one. What was sent may have arrived all the same. */
  reopen(connection: LaneConnection): void {
    if (this.#phase !== 'away') {
      connection.destroy();
      return;
    }
    const { laneSilenceMs } = this.#parts.timing;
    void this.#search.meet(connection, laneSilenceMs).then(() => this.#seek());
  }

  /** The relay has admitted all lanes: from now on this one comes back by itself. */
  opened(): void {
    this.#opening = false;
    // What it took to open them is not what it may take to come back.
    if (this.#phase === 'away') this.#troubleMs = performance.now();
    this.#seek();
  }

  /** When something was last heard, on the clock of `performance.now()`. */
  get lastHeardMs(): number {
    return this.#connection.lastHeardMs;
  }

  /** When something was last sent. */
  get lastSentMs(): number {
    return this.#connection.lastSentMs;
  }

  /** Since when the lane has been without a connection to the peer; undefined while it has one. */
  get awaySinceMs(): number | undefined {
    return this.#phase === 'away' ? this.#troubleMs : undefined;
  }

  /** Resolves when the lane is over and closed on both sides, or was given up. */
  get closed(): Promise<undefined> {
    return this.#closed.promise;
  }

  /** The peer's hello says whether it can reconnect. */
  agree(reconnect: boolean): void {
    this.#reconnect = reconnect;
    this.#again = reconnect;
    if (!reconnect) this.#sent.forget();
    this.#wake();
    if (this.#phase !== 'away') return;
    if (reconnect) this.#seek();
    else this.#fail(this.#lostError());
  }

  /**
   * Sends one record.
   *
   * @param parts - plaintext in pieces; free to be reused when the promise resolves
   * @param record - how to send it again
   * @returns resolves when there is room for more
   * @throws CrocError `connection_lost` when the lane is given up meanwhile
   */
  async send(parts: readonly Uint8Array[], record: SentRecord): Promise<void> {
    if (this.#endSaid) throw this.#lostError();
    this.#add(parts, record);
    for (;;) {
      if (this.#phase === 'closed') throw this.#lostError();
      if (this.#phase === 'over') return;
      if (this.#phase === 'up' && !this.#sent.full) {
        const room = this.#connection.room();
        if (!room) return;
        await room;
      } else {
        this.#change ??= deferred();
        await this.#change.promise;
      }
    }
  }

  /** Sends the authenticated end of our direction. Does nothing the second time. */
  sayEnd(): void {
    if (this.#endSaid) return;
    this.#add(END_PLAINTEXT, END);
    this.#endSaid = true;
    this.#checkOver();
  }

  /** Sends the end if that is still to do, and half-closes: at once, or as soon as the lane is over. */
  end(): void {
    this.sayEnd();
    if (this.#reconnect !== true) this.#connection.finish();
  }

  /**
   * The transfer has failed: files need not be sent again any more.
   *
   * @param comeBack - whether the lane is still dialled when it is lost, so that the peer hears why
   */
  leave(comeBack: boolean): void {
    this.#leaving = true;
    // All but the first have nothing to say, and before the peer's hello nobody dials them.
    const unheard = this.#opening || (this.#reconnect === undefined && this.index > 0);
    this.#final = !comeBack || unheard;
    if (!this.#final) return;
    if (this.#phase === 'away') this.destroy();
    else void this.#connection.closed.then(() => this.#closed.resolve(undefined));
  }

  /** Closes at once. Nobody is told of it as a loss. */
  destroy(): void {
    this.#close();
    this.#connection.destroy();
  }

  /**
   * Tells the peer how far we are, and looks whether it is still there; to be called often.
   *
   * @param awake - false when the last call is so long ago that this process itself has slept: then what
   *   the peer said meanwhile may be waiting to be read
   */
  tick(nowMs: number, awake: boolean): void {
    if (this.#phase !== 'up' && this.#phase !== 'catching-up') return;
    const { pingMs, laneSilenceMs, silenceMs } = this.#parts.timing;
    const connection = this.#connection;
    if (this.#reconnect !== true) {
      const silent = nowMs - connection.lastHeardMs > Math.max(silenceMs, laneSilenceMs);
      if (awake && silent && this.#reconnect === undefined && this.index === 0) this.#loseSilent();
      return;
    }
    const quiet = nowMs - connection.lastSentMs >= pingMs && connection.drained;
    if (this.#taken !== this.#told || quiet) this.#sayPosition();
    if (nowMs - this.#upSinceMs > WELL_AFTER_MS) this.#troubleMs = undefined;
    // A peer that does not know yet that we can come back would take another connection for the end.
    const limitMs = this.#peerKnows ? laneSilenceMs : Math.max(silenceMs, laneSilenceMs);
    if (awake && nowMs - connection.lastHeardMs > limitMs) this.#loseSilent();
  }

  onPreamble(from: LaneConnection): void {
    if (from !== this.#connection || this.#phase !== 'away') return;
    if (this.#again) this.#sayPosition();
    else this.#goOn(0); // Nobody has heard a hello, so nobody has taken anything.
  }

  onRecord(from: LaneConnection, plaintext: Buffer): Promise<void> | undefined {
    if (from !== this.#connection || this.#phase === 'closed') return undefined;
    const type = plaintext[0];
    if (type === RecordType.position && this.#reconnect !== false) {
      this.#onPosition(decodePosition(plaintext));
      return undefined;
    }
    if (this.#phase === 'away') throw broken('no position');
    if (this.#peerEnded) throw broken('a record after the end');
    this.#taken += 1;
    this.#troubleMs = undefined;
    if (type === RecordType.end) {
      this.#onEnd();
      return undefined;
    }
    const enough = Math.min(POSITION_EVERY, Math.max(1, this.#taken / POSITION_SHARE));
    if (this.#taken - this.#told >= enough) this.#sayPosition();
    return this.#listener.onRecord(this.index, plaintext);
  }

  onFin(from: LaneConnection): void {
    if (from !== this.#connection || this.#phase === 'over') return;
    if (this.#reconnect === true || !this.#peerEnded) this.#lose();
  }

  onLost(from: LaneConnection, error: CrocError): void {
    if (from !== this.#connection || this.#phase === 'over') return;
    if (this.#reconnect === true || !this.#peerEnded) this.#lose(error);
  }

  /** The peer has lost the connection before this one, and we have not noticed; or the other way round. */
  onMismatch(from: LaneConnection, again: boolean): void {
    if (from !== this.#connection) return;
    // It has heard our hello, and we have not heard its own.
    if (again && this.#reconnect === undefined) this.#again = true;
    this.#lose();
  }

  onBroken(from: LaneConnection, error: CrocError): void {
    if (from === this.#connection) this.#listener.onBroken(this.index, error);
  }

  #add(parts: readonly Uint8Array[], record: SentRecord): void {
    this.#sent.push(record);
    if (this.#phase !== 'up') return;
    this.#sent.wrote();
    this.#connection.write(parts);
  }

  #onEnd(): void {
    this.#peerEnded = true;
    this.#sayPosition();
    this.#listener.onEnd(this.index);
    this.#checkOver();
  }

  #sayPosition(): void {
    if (!this.#again) return;
    this.#told = this.#taken;
    this.#connection.write([encodePosition(this.#taken)]);
  }

  #onPosition(count: number): void {
    this.#peerKnows = true;
    if (this.#phase === 'away') this.#goOn(count);
    else if (this.#sent.confirm(count)) this.#troubleMs = undefined;
    this.#wake();
    this.#checkOver();
  }

  /** The peer is there on another connection, and has so many of our records. */
  #goOn(count: number): void {
    this.#sent.rewind(count);
    this.#phase = 'catching-up';
    this.#upSinceMs = performance.now();
    this.#search.settle(true);
    this.#listener.onAway(this.index);
    void this.#catchUp(this.#connection);
  }

  /** Sends what the peer does not have, in order, and whatever is added meanwhile. */
  async #catchUp(connection: LaneConnection): Promise<void> {
    const current = (): boolean => connection === this.#connection && this.#phase === 'catching-up';
    for (let record = this.#sent.next(); record; record = this.#sent.next()) {
      const parts = await this.#read(record);
      if (!current()) return;
      if (!parts) {
        this.#sent.skip();
        continue;
      }
      this.#sent.wrote();
      connection.write(parts);
      await connection.room();
      if (!current()) return;
    }
    this.#phase = 'up';
    this.#wake();
    this.#checkOver();
  }

  /** A record's plaintext once more; undefined when there is none, because the transfer has failed. */
  async #read(record: SentRecord): Promise<readonly Uint8Array[] | undefined> {
    if (this.#leaving && record.heldBytes === 0 && record !== END) return undefined;
    try {
      return await record.again();
    } catch (error) {
      this.#leaving = true;
      this.#listener.onLost(this.index, CrocError.from(error));
      return undefined;
    }
  }

  /** Nothing came for too long. */
  #loseSilent(): void {
    if (this.#opening) return;
    this.#silent = true;
    this.#lose();
  }

  /** The connection is of no use any more. */
  #lose(error = this.#lostError()): void {
    if (this.#phase === 'closed' || this.#phase === 'over') return;
    this.#connection.destroy();
    if (this.#search.settle(false)) return;
    const earliestMs = performance.now() - this.#parts.timing.laneSilenceMs;
    this.#troubleMs ??= Math.max(this.#connection.lastHeardMs, earliestMs);
    if (this.#reconnect === false || this.#final) {
      this.#fail(error);
      return;
    }
    this.#phase = 'away';
    this.#listener.onAway(this.index);
    this.#seek();
  }

  /** Looks for the peer, if the lane is without and may. */
  #seek(): void {
    if (this.#phase !== 'away' || this.#opening || this.#search.runs) return;
    // Whether the others may come back is known once both have said hello on lane 0.
    if (this.#reconnect === true || this.index === 0) void this.#comeBack();
  }

  /** Dials until the peer is there, too; or gives up. */
  async #comeBack(): Promise<void> {
    const { reconnectMs } = this.#parts.timing;
    const untilMs = (this.#troubleMs ?? performance.now()) + reconnectMs;
    try {
      await this.#search.dial(untilMs, this.#silent);
      this.#silent = false;
    } catch (error) {
      if (!this.#search.stopped) this.#fail(CrocError.from(error));
    }
  }

  /** Makes a connection the one in use. */
  #use(connection: LaneConnection, again: boolean): void {
    const { role, secrets, random } = this.#parts;
    this.#connection = connection;
    connection.start({ role, secrets, preamble: { salt: random(LANE_SALT_BYTES), again } }, this);
    void connection.closed.then(() => {
      const last = this.#phase === 'over' || (this.#reconnect !== true && this.#phase !== 'away');
      if (connection === this.#connection && last) this.#closed.resolve(undefined);
    });
  }

  /** Half-closes once both directions have ended and the peer has said that it knows. */
  #checkOver(): void {
    const done = this.#endSaid && this.#peerEnded && this.#sent.allConfirmed;
    if (this.#reconnect !== true || this.#phase === 'closed' || !done) return;
    this.#phase = 'over';
    this.#connection.finish();
    this.#wake();
  }

  #fail(error: CrocError): void {
    this.#close();
    this.#listener.onLost(this.index, error);
  }

  #close(): void {
    this.#phase = 'closed';
    this.#search.stop();
    this.#closed.resolve(undefined);
    this.#wake();
  }

  #wake(): void {
    this.#change?.resolve(undefined);
    this.#change = undefined;
  }

  #lostError(): CrocError {
    return new CrocError('connection_lost', { detail: `lane ${this.index}` });
  }
}

function broken(detail: string): CrocError {
  return new CrocError('protocol_error', { detail });
}
