/** All lanes of one transfer as one: started, watched, added to and closed together. */
import { CrocError } from '../errors.js';
import type { DataTiming } from '../timing.js';
import type { Connection } from '../types.js';
import { Lane } from './lane.js';
import type { LaneListener, LaneParts } from './lane.js';
import type { LaneConnection } from './laneConnection.js';

/** While other lanes work, one that is away for this long is told as a lost connection, milliseconds. */
const LONG_AWAY_MS = 3000;

/** What every lane is made of. */
export interface LaneGroupParts extends Omit<LaneParts, 'index'> {
  readonly timing: DataTiming;
  readonly listener: LaneListener;
  /** Told when the connection to the peer is lost, and when it is back. */
  readonly onConnection: (connection: Connection) => void;
}

/** The lanes of one transfer. */
export class LaneGroup {
  readonly #parts: LaneGroupParts;
  #all: readonly Lane[];
  #connected = true;

  /** @param connections - the first one of each lane */
  constructor(connections: readonly LaneConnection[], parts: LaneGroupParts) {
    this.#parts = parts;
    this.#all = connections.map((connection) => this.#laneOf(connection));
  }

  /** Every lane. */
  get all(): readonly Lane[] {
    return this.#all;
  }

  /** The lane that control messages go on. */
  get control(): Lane {
    const [lane] = this.#all;
    if (!lane) throw new CrocError('internal', { detail: 'no lanes' });
    return lane;
  }

  /** When something was last heard on any lane, on the clock of `performance.now()`. */
  get lastHeardMs(): number {
    return Math.max(...this.#all.map((lane) => lane.lastHeardMs));
  }

  /** When something was last sent on any lane. */
  get lastSentMs(): number {
    return Math.max(...this.#all.map((lane) => lane.lastSentMs));
  }

  /** Begins to send and to read. @param opening - as for `Lane.start` */
  start(opening: boolean): void {
    for (const lane of this.#all) lane.start(opening);
  }

  /** As `Lane.suspend`. */
  suspend(): void {
    for (const lane of this.#all) lane.suspend();
  }

  /** As `Lane.reopen`. */
  reopen(connections: readonly LaneConnection[]): void {
    for (const connection of connections) {
      const lane = this.#all[connection.index];
      if (lane) lane.reopen(connection);
      else connection.destroy();
    }
  }

  /** As `Lane.opened`. */
  opened(): void {
    for (const lane of this.#all) lane.opened();
  }

  /** The peer's hello says whether lanes can come back. */
  agree(reconnect: boolean): void {
    for (const lane of this.#all) lane.agree(reconnect);
  }

  /** Takes further lanes into use, which can come back. @returns them */
  add(connections: readonly LaneConnection[]): readonly Lane[] {
    const more = connections.map((connection) => this.#laneOf(connection));
    this.#all = [...this.#all, ...more];
    for (const lane of more) {
      lane.start();
      lane.agree(true);
    }
    return more;
  }

  /** Gives up all but the first ones. */
  shrink(count: number): void {
    for (const lane of this.#all.slice(count)) lane.destroy();
    this.#all = this.#all.slice(0, count);
  }

  /** As `Lane.tick`. */
  tick(nowMs: number, awake: boolean): void {
    for (const lane of this.#all) lane.tick(nowMs, awake);
    this.tellConnection(nowMs);
  }

  /** Tells when the connection is lost or back: all lanes are away, or one is for long. */
  tellConnection(nowMs: number): void {
    const { timing, onConnection } = this.#parts;
    const away = this.#all.flatMap(({ awaySinceMs }) => awaySinceMs ?? []);
    const since = away.length > 0 ? Math.min(...away) : undefined;
    const connected =
      since === undefined ||
      (this.#connected && away.length < this.#all.length && nowMs - since < LONG_AWAY_MS);
    if (connected === this.#connected) return;
    this.#connected = connected;
    const giveUpInMs = since === undefined ? 0 : since + timing.reconnectMs - nowMs;
    onConnection({ connected, giveUpInMs: Math.max(0, Math.round(giveUpInMs)) });
  }

  /** As `Lane.leave`. */
  leave(comeBack: boolean): void {
    for (const lane of this.#all) lane.leave(comeBack);
  }

  /** Ends our direction of each. Resolves when all are closed on both sides, or were given up. */
  async end(): Promise<void> {
    for (const lane of this.#all) lane.end();
    await Promise.all(this.#all.map((lane) => lane.closed));
  }

  /** Closes all at once. */
  destroy(): void {
    for (const lane of this.#all) lane.destroy();
  }

  #laneOf(connection: LaneConnection): Lane {
    const { index } = connection;
    return new Lane(connection, { ...this.#parts, index }, this.#parts.listener);
  }
}
