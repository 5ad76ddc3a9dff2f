/** A sender's and a recipient's data plane in this process, over a network in memory. */
import { randomBytes } from 'node:crypto';
import { CrocError } from '../../src/core/errors.js';
import { walk } from '../../src/core/files/walk.js';
import type { WalkEntry } from '../../src/core/files/walk.js';
import type { DataTiming } from '../../src/core/timing.js';
import type { Dial } from '../../src/core/transfer/laneConnection.js';
import { Inbound } from '../../src/core/transfer/inbound.js';
import type { Receiver } from '../../src/core/transfer/inbound.js';
import { Outbound } from '../../src/core/transfer/outbound.js';
import type { SendingOptions, Walked } from '../../src/core/transfer/outbound.js';
import { totalsOf } from '../../src/core/transfer/selection.js';
import { Session } from '../../src/core/transfer/session.js';
import type { Connection, Role, TransferResult } from '../../src/core/types.js';
import { MAX_LANES } from '../../src/core/wire/http.js';
import type { LaneTarget } from '../../src/core/wire/keys.js';
import type { FakeNetwork } from './fakeNetwork.js';

/** Deadlines that suit a network in memory on a machine that may be busy. */
export const FAST: DataTiming = {
  connectMs: 3000,
  pingMs: 80,
  silenceMs: 1000,
  laneSilenceMs: 500,
  reconnectMs: 20_000,
  redialMs: 1,
};

/** What is walked before a run. */
export async function walked(paths: readonly string[]): Promise<Walked> {
  const entries: WalkEntry[] = [];
  const signal = new AbortController().signal;
  for await (const entry of walk(paths, { signal, onSkip: () => undefined })) entries.push(entry);
  return { entries, totals: totalsOf(entries) };
}

/** How a run ended: an error's code, or `whole`. */
export interface Ending {
  readonly sender: string;
  readonly recipient: string;
  /** File bytes that the sender sent, those that it sent again too. */
  readonly transferred: number;
  readonly connections: Record<Role, Connection[]>;
  /** How many the sender had in the end. */
  readonly lanes: number;
  /** Connections that the sender made anew after its first words, before all were admitted. */
  readonly reopened: number;
}

/** What a run needs. */
export interface RunOptions {
  readonly network: FakeNetwork;
  readonly lanes: number;
  readonly what: Walked;
  /** Folder to write into. */
  readonly to: string;
  readonly timing?: Partial<DataTiming>;
  readonly sending?: SendingOptions;
  /** How many lanes there are to be in the middle; the network lets in 16. */
  readonly widen?: number;
}

/** Runs one transfer to its end on both sides. */
export async function run(options: RunOptions): Promise<Ending> {
  const { network, what, to } = options;
  const timing = { ...FAST, ...options.timing };
  const secrets = { key: randomBytes(32), transcript: randomBytes(32) };
  const connections: Record<Role, Connection[]> = { sender: [], recipient: [] };
  const sessions: Partial<Record<Role, Session>> = {};
  // Whether the first connections can be made is another matter.
  network.stormy = (role) => sessions[role] !== undefined;
  let transferred = 0;
  let opened = false;
  let reopened = 0;
  let sent: Promise<TransferResult> | undefined;
  /** As in the worker, the sender begins when its lanes have said who they are. */
  const begin = (session: Session): Promise<TransferResult> => {
    sessions.sender = session;
    const { widen = 0, sending } = options;
    const nothing = (): void => undefined;
    const outbound = new Outbound(session, Promise.resolve(what), nothing, sending, (lanes) => {
      const grower = { lookMs: 0, over: widen <= lanes, look: () => widen, putOff: nothing };
      grower.look = () => {
        grower.over = true;
        return widen;
      };
      return grower;
    });
    session.start(outbound, true);
    sent = outbound.run();
    return sent;
  };
  const open = (role: Role): Promise<Session> => {
    const ports = Array.from({ length: options.lanes }, (_, index) => index);
    const target: LaneTarget = {
      role,
      address: 'memory',
      ports,
      lanes: MAX_LANES,
      channel: '1',
      uuid: role,
      secrets,
    };
    const dialAs = network.dialAs(role);
    const dial: Dial = (where, onread) => {
      if (role === 'sender' && sessions.sender && !opened) reopened += 1;
      return dialAs(where, onread);
    };
    const edges = { dial, random: randomBytes };
    const signal = new AbortController().signal;
    const onConnection = (one: Connection): void => void connections[role].push(one);
    const early = role === 'sender' ? begin : undefined;
    return Session.open(target, timing, signal, onConnection, edges, early);
  };
  const send = async (session: Session): Promise<void> => {
    transferred = (await sent)?.transferred ?? 0;
    await session.finish(1000);
  };
  const receive = async (session: Session): Promise<void> => {
    const receiver: Receiver = {
      onEntries: () => undefined,
      onOffer: () => undefined,
      decide: () => Promise.resolve({ accept: true, to, onConflict: 'overwrite' }),
      choose: () => Promise.resolve('overwrite'),
      onProgress: () => undefined,
    };
    const inbound = new Inbound(session, receiver, randomBytes);
    session.start(inbound);
    await inbound.run();
    await session.finish(timing.reconnectMs);
  };
  const party = async (role: Role, work: (session: Session) => Promise<void>): Promise<string> => {
    let session: Session | undefined;
    try {
      session = await open(role);
      if (role === 'sender') opened = true;
      sessions[role] = session;
      await work(session);
      return 'whole';
    } catch (thrown) {
      const error = thrown instanceof CrocError ? thrown : undefined;
      await (session ?? sessions[role])?.farewell(error && { t: 'error', code: error.code });
      return error?.code ?? `not a CrocError: ${String(thrown)}`;
    } finally {
      (session ?? sessions[role])?.close();
      network.close();
    }
  };
  const [sender, recipient] = await Promise.all([
    party('sender', send),
    party('recipient', receive),
  ]);
  const lanes = sessions.sender?.lanes.length ?? 0;
  return { sender, recipient, transferred, connections, lanes, reopened };
}
