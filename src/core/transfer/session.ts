/** What is said over the lanes of one transfer: control messages, data, signs of life, and the one way out. */
import { setMaxListeners } from 'node:events';
import { systemRandom } from '../edges.js';
import type { RandomBytes } from '../edges.js';
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { CrocError, ERRORS } from '../errors.js';
import { RecordType, decodeControl, encodeControl, peerFailure } from '../wire/control.js';
import type { ControlMessage, ControlOf } from '../wire/control.js';
import { packSmaller, unpackControl } from '../wire/compressed.js';
import { decodeData } from '../wire/data.js';
import type { DataPiece } from '../wire/data.js';
import { POSITION_MS } from '../wire/limits.js';
import type { Feature } from '../wire/limits.js';
import { Decompressing } from './decompressing.js';
import { Greeting, HELLO } from './greeting.js';
import type { Lane, LaneListener } from './lane.js';
import { LaneConnection, dialTcp } from './laneConnection.js';
import type { Dial } from './laneConnection.js';
import { LaneGroup } from './laneGroup.js';
import { openLanes } from './opening.js';
import { openEarly } from './openingEarly.js';
import type { EarlyUser } from './openingEarly.js';
import { Whereabouts } from './whereabouts.js';
import { Widening } from './widening.js';
import type { Locate } from './whereabouts.js';
import type { DataTiming } from '../timing.js';
import type { Connection } from '../types.js';
import type { LaneTarget } from '../wire/keys.js';

/** How long saying farewell may take, in milliseconds. */
const FAREWELL_MS = 2000;
/** How long a further lane may take to be there, milliseconds: the transfer might end meanwhile. */
const MORE_MS = 5000;
/** Between two looks at the lanes; when it takes longer, this process itself has slept. Milliseconds. */
const ASLEEP_MS = 2000;

/** Messages that a direction's own logic handles; the rest the session handles itself. */
export type FlowMessage = Exclude<
  ControlMessage,
  | ControlOf<'hello'>
  | ControlOf<'lanes'>
  | ControlOf<'ping'>
  | ControlOf<'cancel'>
  | ControlOf<'error'>
>;

/** The logic of one direction: what it does with what comes in. */
export interface Flow {
  onMessage(message: FlowMessage): void;
  /**
   * A data record; the promise holds its lane back until it settles. Then the bytes are gone.
   *
   * @param sentBytes - what it had on the lane, heads aside
   */
  onData(pieces: readonly DataPiece[], sentBytes: number): Promise<void> | undefined;
  /** Every lane has ended as it should: nothing more comes. */
  onAllEnded(): void;
}

/** What a session takes from outside; a test can give others. */
export interface SessionEdges {
  readonly dial: Dial;
  readonly random: RandomBytes;
  /** Where the lanes are now; absent: where they were. */
  readonly locate?: Locate;
  /** No lane says who it is before this resolves. */
  readonly entering?: Promise<unknown>;
}

/** One transfer's end of the data plane. */
export class Session implements LaneListener, EarlyUser {
  /** Rejects with the first thing that makes going on impossible; never resolves. */
  readonly failed: Promise<never>;
  /** What the early use of the lanes comes to, if there is one. */
  over: Promise<unknown> = Promise.resolve();

  readonly #timing: DataTiming;
  readonly #lanes: LaneGroup;
  readonly #failure: Deferred<never> = deferred<never>();
  #flow: Flow | undefined;
  readonly #greeting = new Greeting();
  #ended = 0;
  #watch: NodeJS.Timeout | undefined;
  #watchedMs = 0;
  readonly #decompressing = new Decompressing(
    (plaintext, sentBytes) => this.#onData(plaintext, sentBytes),
    (error) => this.fail(CrocError.from(error)),
  );
  /** Whether it was the peer that broke a rule: nobody waits for it any more. */
  #peerBroke = false;
  #quickestMs = Infinity;
  readonly #widening: Widening;
  /** While set, silence of the peer is no reason to give up: it has said all it has to say. */
  #peerIsDone = false;

  private constructor(
    connections: readonly LaneConnection[],
    target: LaneTarget,
    timing: DataTiming,
    edges: SessionEdges & { readonly where: Whereabouts; readonly signal: AbortSignal },
    onConnection: (connection: Connection) => void,
  ) {
    const { role, secrets } = target;
    const { where, dial, signal } = edges;
    this.#timing = timing;
    const parts = { ...edges, timing, role, secrets, listener: this, onConnection };
    this.#lanes = new LaneGroup(connections, parts);
    this.#widening = new Widening({
      role,
      connectMs: Math.min(...connections.map((connection) => connection.connectMs)),
      possible: () => this.reconnects && this.uses('lanes'),
      count: () => this.lanes.length,
      most: () => where.most,
      connect: (index) => LaneConnection.open(where.lane(index), MORE_MS, signal, dial),
      add: (more) => {
        const lanes = this.#lanes.add(more);
        where.widen(this.lanes.length);
        return lanes;
      },
      tell: (message) => this.tell(message),
    });
    this.failed = this.#failure.promise;
    where.settle((count) => this.#shrink(count));
  }

  /** Every lane; fewer than at first only before the peer has said `hello`, more after `widen`. */
  get lanes(): readonly Lane[] {
    return this.#lanes.all;
  }

  /**
   * Opens every lane; all or none.
   *
   * @param onConnection - told when the connection to the peer is lost, and when it is back
   * @param early - starts the session as soon as its lanes have said who they are (openingEarly.ts), and gives what it
   *   comes to
   * @throws CrocError as `openLanes` does, or what `early` came to
   */
  static async open(
    target: LaneTarget,
    timing: DataTiming,
    signal: AbortSignal,
    onConnection: (connection: Connection) => void,
    edges: SessionEdges = { dial: dialTcp, random: systemRandom },
    early?: (session: Session) => Promise<unknown>,
  ): Promise<Session> {
    setMaxListeners(0, signal); // every lane listens
    const where = new Whereabouts(target, edges.locate);
    const { dial, entering = Promise.resolve() } = edges;
    const parts = { where, timing, dial, entering };
    const make = (connections: readonly LaneConnection[]): Session =>
      new Session(connections, target, timing, { ...edges, where, signal }, onConnection);
    if (!early) return make(await openLanes(parts, signal));
    return openEarly(parts, signal, (connections) => {
      const session = make(connections);
      session.over = early(session);
      return session;
    });
  }

  /** The abilities that both sides have; known once the peer has said `hello`. */
  get features(): Promise<ReadonlySet<Feature>> {
    return this.#greeting.features;
  }

  /**
   * Begins: keys, hello, signs of life.
   * @param opening - whether the relay has still to admit the lanes
   */
  start(flow: Flow, opening = false): void {
    this.#flow = flow;
    this.#lanes.start(opening);
    this.tell(HELLO);
    this.#watchedMs = performance.now();
    const { pingMs, silenceMs } = this.#timing;
    this.#watch = setInterval(() => this.#tick(), Math.min(POSITION_MS, pingMs / 2, silenceMs / 2));
  }

  suspend(): void {
    this.#lanes.suspend();
  }

  reopen(connections: readonly LaneConnection[]): void {
    this.#lanes.reopen(connections);
  }

  opened(): void {
    this.#lanes.opened();
  }

  /** Whether both sides have an ability. The peer's first message of any other kind settles it. */
  uses(feature: Feature): boolean {
    return this.#greeting.uses(feature);
  }

  /** The least time that a message took to be confirmed, milliseconds; Infinity while none was. */
  get quickestMs(): number {
    return this.#quickestMs;
  }

  /** Sends a control message; waits for room. */
  send(message: ControlMessage): Promise<void> {
    return this.sendReady(encodeControl(message));
  }

  /** Sends a long control message, smaller where both sides can do that; waits for room. */
  async sendPacked(message: ControlMessage): Promise<void> {
    const plaintext = encodeControl(message);
    await this.sendReady(this.uses('packed') ? packSmaller(plaintext) : plaintext);
  }

  /** Sends a control message that is encoded, and packed if both sides can do that; waits for room. */
  async sendReady(plaintext: Buffer): Promise<void> {
    const sentMs = performance.now();
    const confirmed = (): void => {
      this.#quickestMs = Math.min(this.#quickestMs, performance.now() - sentMs);
    };
    const record = { heldBytes: plaintext.length, again: () => [plaintext], confirmed };
    await this.#lanes.control.send([plaintext], record);
  }

  /** Sends a control message without waiting; a lane that is gone tells of itself elsewhere. */
  tell(message: ControlMessage): void {
    this.send(message).catch(() => undefined);
  }

  /**
   * Sends pieces of files on one lane; waits for room.
   *
   * @param parts - the record's plaintext; free to be reused when the promise resolves
   * @param again - makes it once more, should the connection break before the peer has it
   * @param onArrived - called when the peer has it, as far as can be known
   */
  async sendData(
    lane: Lane,
    parts: readonly Uint8Array[],
    again: () => Promise<readonly Uint8Array[]>,
    onArrived: () => void,
  ): Promise<void> {
    await lane.send(parts, { heldBytes: 0, again, confirmed: onArrived });
    if (!this.reconnects) onArrived();
  }

  /** How many lanes there may be. */
  get mostLanes(): number {
    return this.#widening.most;
  }

  /**
   * Opens further lanes. Never rejects.
   *
   * @param count - how many there are to be in all, at most `mostLanes`
   * @returns those; none when relay or peer would not have them, or the way is full already
   */
  widen(count: number): Promise<readonly Lane[]> {
    return this.#widening.widen(count);
  }

  /** From now on the peer may be silent for as long as it likes. */
  expectSilence(): void {
    this.#peerIsDone = true;
  }

  /** Stops with `error`: whoever waits on `failed` gets it. Only the first one counts. */
  fail(error: CrocError): void {
    this.#decompressing.stop();
    this.#failure.reject(error);
  }

  /** Tells the peer why we stop, gives the words a moment to leave, and closes. Never throws. */
  async farewell(message: ControlOf<'cancel'> | ControlOf<'error'> | undefined): Promise<void> {
    this.#lanes.leave(!this.#peerBroke);
    if (message) this.tell(message);
    await this.finish(FAREWELL_MS);
  }

  /** Ends our direction on every lane, waits until the peer has closed too, at most `patienceMs`. Never throws. */
  async finish(patienceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.#lanes.end(), patience]);
    clearTimeout(timer);
    this.close();
  }

  /** Closes everything at once. */
  close(): void {
    clearInterval(this.#watch);
    this.#widening.close();
    this.#lanes.destroy();
  }

  /** Whether a lane that is lost comes back: both sides have said that they can do that. */
  get reconnects(): boolean {
    return this.uses('reconnect');
  }

  onRecord(lane: number, plaintext: Buffer): Promise<void> | undefined {
    const type = plaintext[0];
    const packed = type === RecordType.packed && this.uses('packed');
    if (lane === 0 && (packed || type === RecordType.control)) {
      const message = decodeControl(packed ? unpackControl(plaintext) : plaintext);
      if (message) this.#onControl(message);
      return undefined;
    }
    if (type === RecordType.compressed && this.uses('brotli'))
      return this.#decompressing.add(lane, plaintext);
    if (type !== RecordType.data)
      throw new CrocError('protocol_error', { detail: `a record of type ${type ?? 'none'}` });
    return this.#onData(plaintext, plaintext.length);
  }

  onEnd(): void {
    this.#ended += 1;
    if (this.#ended < this.lanes.length) return;
    const { pending } = this.#decompressing;
    if (pending) void pending.then(() => this.#flow?.onAllEnded());
    else this.#flow?.onAllEnded();
  }

  onLost(_lane: number, error: CrocError): void {
    this.fail(error);
  }

  onBroken(_lane: number, error: CrocError): void {
    this.#peerBroke = true;
    this.fail(error);
  }

  onAway(): void {
    this.#lanes.tellConnection(performance.now());
  }

  #onData(plaintext: Buffer, sentBytes: number): Promise<void> | undefined {
    const pieces = decodeData(plaintext);
    const content = pieces.reduce((sum, { length }) => sum + length, 0);
    return this.#flow?.onData(pieces, Math.min(sentBytes, content));
  }

  #onControl(message: ControlMessage): void {
    if (message.t === 'hello') {
      this.#greeting.take(message);
      this.#lanes.agree(this.reconnects);
      return;
    }
    if (!this.#greeting.heard) throw new CrocError('protocol_error', { detail: 'no hello' });
    switch (message.t) {
      case 'ping':
        return;
      case 'lanes':
        this.#widening.onMessage(message);
        return;
      case 'cancel':
        this.fail(new CrocError('peer_cancelled'));
        return;
      case 'error':
        this.fail(toPeerError(message));
        return;
      default:
        this.#flow?.onMessage(message);
    }
  }

  #tick(): void {
    const nowMs = performance.now();
    const awake = nowMs - this.#watchedMs < ASLEEP_MS;
    this.#watchedMs = nowMs;
    if (this.#greeting.heard && !this.reconnects) {
      this.#checkSilence(nowMs);
      return;
    }
    this.#lanes.tick(nowMs, awake);
  }

  /** Where lanes cannot come back, all of them together are silent or not. */
  #checkSilence(nowMs: number): void {
    if (!this.#peerIsDone && nowMs - this.#lanes.lastHeardMs > this.#timing.silenceMs)
      this.fail(new CrocError('peer_silent'));
    if (nowMs - this.#lanes.lastSentMs >= this.#timing.pingMs) this.tell({ t: 'ping' });
  }

  /**
   * Another process of the relay has the channel, and ports for so many lanes only. Before the peer
   * said hello nothing depends on the others, and the relay names no more to the peer. (One that has heard our hello
   * gives up, and we hear that.)
   */
  #shrink(count: number): boolean {
    if (this.#greeting.heard || count < 1) return false;
    this.#lanes.shrink(count);
    return true;
  }
}

/** The peer's reason in our words: what its code means, and what it adds. */
function toPeerError(message: ControlOf<'error'>): CrocError {
  const { code, detail } = peerFailure(message);
  const { what } = ERRORS[code];
  return new CrocError('peer_failed', {
    detail: detail === undefined ? what : `${what} ${detail}`,
  });
}
