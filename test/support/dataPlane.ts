/** A sender's and a recipient's data plane in this process, over a network in memory. */
import { randomBytes } from 'node:crypto';
import { CrocError } from '../../src/core/errors.js';
import { walk } from '../../src/core/files/walk.js';
import type { WalkEntry } from '../../src/core/files/walk.js';
import type { DataTiming } from '../../src/core/timing.js';
import { Inbound } from '../../src/core/transfer/inbound.js';
import type { Receiver } from '../../src/core/transfer/inbound.js';
import { Outbound } from '../../src/core/transfer/outbound.js';
import type { SendingOptions, Walked } from '../../src/core/transfer/outbound.js';
import { totalsOf } from '../../src/core/transfer/selection.js';
import { Session } from '../../src/core/transfer/session.js';
import type { Connection, Role } from '../../src/core/types.js';
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
  const sessions: Session[] = [];
  // Whether the first connections can be opened is another matter.
  network.stormy = () => sessions.length === 2;
  let transferred = 0;
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
    const edges = { dial: network.dialAs(role), random: randomBytes };
    const signal = new AbortController().signal;
    const onConnection = (one: Connection): void => void connections[role].push(one);
    return Session.open(target, timing, signal, onConnection, edges);
  };
  const send = async (session: Session): Promise<void> => {
    const { widen = 0, sending } = options;
    const nothing = (): void => undefined;
    const outbound = new Outbound(session, Promise.resolve(what), nothing, sending, (lanes) => {
      const grower = { lookMs: 0, over: widen <= lanes, look: () => widen };
      grower.look = () => {
        grower.over = true;
        return widen;
      };
      return grower;
    });
    session.start(outbound);
    ({ transferred } = await outbound.run());
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
      sessions.push(session);
      await work(session);
      return 'whole';
    } catch (thrown) {
      const error = thrown instanceof CrocError ? thrown : undefined;
      await session?.farewell(error && { t: 'error', code: error.code });
      return error?.code ?? `not a CrocError: ${String(thrown)}`;
    } finally {
      session?.close();
      network.close();
    }
  };
  const [sender, recipient] = await Promise.all([
    party('sender', send),
    party('recipient', receive),
  ]);
  return { sender, recipient, transferred, connections, lanes: sessions[0]?.lanes.length ?? 0 };
}
