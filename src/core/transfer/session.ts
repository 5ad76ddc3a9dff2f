/**
 * All lanes of one transfer together: control messages on lane 0, data on every lane, signs of life,
 * and the one way out.
 */
import { setMaxListeners } from 'node:events';
import { systemRandom } from '../edges.js';
import type { RandomBytes } from '../edges.js';
import { deferred } from '../async.js';
import type { Deferred } from '../async.js';
import { CrocError, ERRORS } from '../errors.js';
import { RecordType, decodeControl, encodeControl, peerFailure } from '../wire/control.js';
import type { ControlMessage, ControlOf } from '../wire/control.js';
import { decodeData, encodeDataHead } from '../wire/data.js';
import type { DataPiece, Piece } from '../wire/data.js';
import { DATA_VERSION, FEATURES, OLDEST_DATA_VERSION } from '../wire/limits.js';
import type { Feature } from '../wire/limits.js';
import { LaneConnection } from './laneConnection.js';
import type { LaneListener } from './laneConnection.js';
import type { DataTiming } from '../timing.js';
import type { LaneTarget } from '../wire/keys.js';

/** How long saying farewell may take, in milliseconds. */
const FAREWELL_MS = 2000;

/** Messages that a direction's own logic handles; the rest the session handles itself. */
export type FlowMessage = Exclude<
  ControlMessage,
  ControlOf<'hello'> | ControlOf<'ping'> | ControlOf<'cancel'> | ControlOf<'error'>
>;

/** The logic of one direction: what it does with what comes in. */
export interface Flow {
  onMessage(message: FlowMessage): void;
  /** A data record; the promise holds its lane back until it settles. Then the bytes are gone. */
  onData(pieces: readonly DataPiece[]): Promise<void> | undefined;
  /** Every lane has ended as it should: nothing more comes. */
  onAllEnded(): void;
}

/** The lanes of one transfer. */
export class Session implements LaneListener {
  readonly lanes: readonly LaneConnection[];
  /** Rejects with the first thing that makes going on impossible; never resolves. */
  readonly failed: Promise<never>;

  readonly #target: LaneTarget;
  readonly #timing: DataTiming;
  readonly #failure: Deferred<never> = deferred<never>();
  #flow: Flow | undefined;
  #greeted = false;
  #shared: ReadonlySet<Feature> = new Set();
  readonly #features = deferred<ReadonlySet<Feature>>();
  #ended = 0;
  #watch: NodeJS.Timeout | undefined;
  /** While set, silence of the peer is no reason to give up: it has said all it has to say. */
  #peerIsDone = false;

  private constructor(lanes: readonly LaneConnection[], target: LaneTarget, timing: DataTiming) {
    this.lanes = lanes;
    this.#target = target;
    this.#timing = timing;
    this.failed = this.#failure.promise;
  }

  /** Opens every lane; all or none. @throws CrocError as `LaneConnection.open` does */
  static async open(target: LaneTarget, timing: DataTiming, signal: AbortSignal): Promise<Session> {
    setMaxListeners(0, signal); // every lane listens
    const attempts = await Promise.allSettled(
      target.ports.map((port, index) =>
        LaneConnection.open({ ...target, index, port }, timing.connectMs, signal),
      ),
    );
    const lanes = attempts.flatMap((attempt) =>
      attempt.status === 'fulfilled' ? [attempt.value] : [],
    );
    const refused = attempts.find((attempt) => attempt.status === 'rejected');
    if (!refused) return new Session(lanes, target, timing);
    for (const lane of lanes) lane.destroy();
    throw refused.reason;
  }

  /** The abilities that both sides have; known once the peer has said `hello`. */
  get features(): Promise<ReadonlySet<Feature>> {
    return this.#features.promise;
  }

  /** Begins: keys, hello, signs of life. */
  start(flow: Flow, random: RandomBytes = systemRandom): void {
    this.#flow = flow;
    const { role, secrets } = this.#target;
    for (const lane of this.lanes) lane.start(role, secrets, random, this);
    const hello = { version: DATA_VERSION, oldest: OLDEST_DATA_VERSION, features: [...FEATURES] };
    this.tell({ t: 'hello', ...hello });
    this.#watch = setInterval(
      () => this.#checkSilence(),
      Math.min(1000, this.#timing.pingMs, this.#timing.silenceMs) / 2,
    );
  }

  /** Whether both sides have an ability. The peer's first message of any other kind settles it. */
  uses(feature: Feature): boolean {
    return this.#shared.has(feature);
  }

  /** Sends a control message; waits for room. */
  async send(message: ControlMessage): Promise<void> {
    await this.#controlLane().send([encodeControl(message)]);
  }

  /** Sends a control message without waiting; a lane that is gone tells of itself elsewhere. */
  tell(message: ControlMessage): void {
    this.send(message).catch(() => undefined);
  }

  /** Sends pieces of files on one lane; waits for room. @param bytes - the pieces' bytes, in order */
  async sendData(lane: LaneConnection, pieces: readonly Piece[], bytes: Uint8Array): Promise<void> {
    const head = encodeDataHead(pieces);
    await lane.send(bytes.length > 0 ? [head, bytes] : [head]);
  }

  /** From now on the peer may be silent for as long as it likes. */
  expectSilence(): void {
    this.#peerIsDone = true;
  }

  /** Stops with `error`: whoever waits on `failed` gets it. Only the first one counts. */
  fail(error: CrocError): void {
    this.#failure.reject(error);
  }

  /** Tells the peer why we stop, gives the words a moment to leave, and closes. Never throws. */
  async farewell(message: ControlOf<'cancel'> | ControlOf<'error'> | undefined): Promise<void> {
    if (message) this.tell(message);
    await this.finish(FAREWELL_MS);
  }

  /** Ends our direction on every lane, waits until the peer has closed too, at most `patienceMs`. Never throws. */
  async finish(patienceMs: number): Promise<void> {
    for (const lane of this.lanes) lane.end();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([Promise.all(this.lanes.map((lane) => lane.closed)), patience]);
    clearTimeout(timer);
    this.close();
  }

  /** Closes everything at once. */
  close(): void {
    clearInterval(this.#watch);
    for (const lane of this.lanes) lane.destroy();
  }

  onRecord(lane: number, plaintext: Buffer): Promise<void> | undefined {
    const type = plaintext[0];
    if (lane === 0 && type === RecordType.control) {
      const message = decodeControl(plaintext);
      if (message) this.#onControl(message);
      return undefined;
    }
    if (type !== RecordType.data)
      throw new CrocError('protocol_error', { detail: `a record of type ${type ?? 'none'}` });
    return this.#flow?.onData(decodeData(plaintext));
  }

  onEnd(): void {
    this.#ended += 1;
    if (this.#ended === this.lanes.length) this.#flow?.onAllEnded();
  }

  onLost(_lane: number, error: CrocError): void {
    this.fail(error);
  }

  #onControl(message: ControlMessage): void {
    if (message.t === 'hello') {
      this.#onHello(message);
      return;
    }
    if (!this.#greeted) throw new CrocError('protocol_error', { detail: 'no hello' });
    switch (message.t) {
      case 'ping':
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

  #onHello(hello: ControlOf<'hello'>): void {
    if (this.#greeted) throw new CrocError('protocol_error', { detail: 'hello twice' });
    this.#greeted = true;
    if (hello.version < OLDEST_DATA_VERSION)
      throw new CrocError('incompatible_version', { detail: 'the other side is older' });
    if (hello.oldest > DATA_VERSION)
      throw new CrocError('incompatible_version', { detail: 'this side is older' });
    this.#shared = new Set(FEATURES.filter((one) => hello.features.includes(one)));
    this.#features.resolve(this.#shared);
  }

  #checkSilence(): void {
    const now = performance.now();
    const heard = Math.max(...this.lanes.map((lane) => lane.lastHeardMs));
    if (!this.#peerIsDone && now - heard > this.#timing.silenceMs)
      this.fail(new CrocError('peer_silent'));
    const sent = Math.max(...this.lanes.map((lane) => lane.lastSentMs));
    if (now - sent >= this.#timing.pingMs) this.tell({ t: 'ping' });
  }

  #controlLane(): LaneConnection {
    const lane = this.lanes[0];
    if (!lane) throw new CrocError('internal', { detail: 'no lanes' });
    return lane;
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
