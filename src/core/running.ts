/** What a running send and a running receive share: the worker, the events, the one way out. */
import { abortReason, deferred, throwIfAborted } from './async.js';
import type { ClientContext, DataPlane } from './channel/client.js';
import { checkRelay, portsInWords } from './checkRelay.js';
import type { ChannelParts, Parts } from './parts.js';
import { CrocError } from './errors.js';
import type { ErrorCode } from './errors.js';
import { TransferHost } from './transfer/host.js';
import type { HostEvents } from './transfer/host.js';
import type { Connection, ReceiveResult } from './types.js';

/** How long each port may take when it is looked which of them are blocked, in milliseconds. */
const CHECK_MS = 2000;

/** The worker of one transfer, tied to the transfer's abort signal. */
export function openHost(parts: Parts, events: Omit<HostEvents, 'onLocate'>): TransferHost {
  const onLocate = (): ReturnType<HostEvents['onLocate']> => parts.relay.locate(parts.signal);
  const host = new TransferHost(parts.workerFile, { ...events, onLocate });
  // What goes wrong in the worker ends every wait of the state machine too.
  host.result.catch((error: unknown) => parts.abort.abort(CrocError.from(error)));
  return host;
}

/** The worker as the state machines see it: every wait ends when the transfer is aborted. */
export function dataPlane(parts: Parts, host: TransferHost): DataPlane<ReceiveResult> {
  const { timing, localAddress } = parts;
  const aborted = deferred<never>();
  parts.signal.addEventListener('abort', () => aborted.reject(abortReason(parts.signal)));
  const result = Promise.race([host.result, aborted.promise]);
  result.catch(() => undefined);
  return {
    connect: (parameters, expected) => {
      const target = localAddress === undefined ? parameters : { ...parameters, localAddress };
      return host.connect(target, timing, expected);
    },
    start: () => host.start(),
    result,
  };
}

/** The surroundings of a state machine, from the parts of a transfer. */
export function clientContext<State>(
  parts: ChannelParts,
  host: TransferHost,
  onState: (state: State) => void,
  connections: Connections,
): ClientContext<State, ReceiveResult> {
  const { relay, clock, random, timing, signal } = parts;
  const data = dataPlane(parts, host);
  relay.reach.onChange = (connection) => connections.update('relay', connection);
  const onPeer = (connection: Connection): void => connections.update('peer', connection);
  return { relay, data, clock, random, timing, signal, onState, onPeer };
}

/** What can be lost: the relay over HTTP, the other side before there are lanes, the lanes. */
type Link = 'relay' | 'peer' | 'lanes';

/** All links together, as a person hears of them: one is lost, all are back. */
export class Connections {
  readonly #lost = new Set<Link>();
  readonly #tell: (connection: Connection) => void;

  constructor(tell: (connection: Connection) => void) {
    this.#tell = tell;
  }

  /** One link was lost or is back. */
  update(link: Link, connection: Connection): void {
    const before = this.#lost.size;
    if (connection.connected) this.#lost.delete(link);
    else this.#lost.add(link);
    const after = this.#lost.size;
    if (connection.connected ? before > 0 && after === 0 : before === 0) this.#tell(connection);
  }
}

/**
 * Runs a state machine and leaves nothing behind, however it ends. When it fails, first the worker says goodbye
 * to the peer, then the channel is closed; when it went well, all was said.
 *
 * @throws CrocError why it failed
 */
export async function runToEnd<T>(
  parts: Parts,
  host: TransferHost,
  run: () => Promise<T>,
): Promise<T> {
  try {
    throwIfAborted(parts.signal);
    const result = await run();
    await Promise.all([host.stop(), parts.relay.close()]);
    return result;
  } catch (thrown) {
    const error = await explain(parts, host, CrocError.from(thrown));
    await host.stop();
    await parts.relay.close();
    throw error;
  } finally {
    parts.relay.dispose();
  }
}

/**
 * What lanes that cannot connect end with where a blocked port may be the reason; the peer that found one first
 * closes the channel.
 */
const MAY_BE_BLOCKED: ReadonlySet<ErrorCode> = new Set([
  'relay_port_blocked',
  'relay_silent',
  'timed_out',
  'channel_closed',
]);

/** Lanes that break because the relay itself is gone are told as that, and blocked ports by their numbers. */
async function explain(parts: Parts, host: TransferHost, error: CrocError): Promise<CrocError> {
  if (host.connecting && MAY_BE_BLOCKED.has(error.code)) return nameBlocked(parts, error);
  if (error.code !== 'connection_lost' || (await parts.relay.answers())) return error;
  return new CrocError('relay_gone', { cause: error });
}

/** A limit in whole bytes a second, or none. @throws CrocError `usage` when it is not at least 1 */
export function checkLimit(limit: number | undefined): number | undefined {
  if (limit === undefined) return undefined;
  const whole = Math.floor(limit);
  if (Number.isSafeInteger(whole) && whole >= 1) return whole;
  throw new CrocError('usage', { detail: 'a limit is at least 1 byte a second' });
}

/** Says of every port of the relay whether it can be reached, not only of the first that cannot. */
async function nameBlocked(
  { relayUrl, clock, localAddress }: Parts,
  error: CrocError,
): Promise<CrocError> {
  const from = localAddress === undefined ? {} : { localAddress };
  try {
    const check = await checkRelay(relayUrl, { clock, timeoutMs: CHECK_MS, ...from });
    if (check.ports.every(({ reachable }) => reachable)) return error;
    return new CrocError('relay_port_blocked', { detail: portsInWords(check), cause: error });
  } catch {
    return error;
  }
}
