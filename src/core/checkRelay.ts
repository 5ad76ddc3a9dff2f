/**
 * Looks whether a relay can be used from here, the way a transfer would: lets itself into a channel of its
 * own and says its first line on every TCP port. Asks for nothing that the protocol does not have.
 */
import { connect } from 'node:net';
import { within } from './async.js';
import { RelayClient } from './channel/relayClient.js';
import { isCrocRelay } from './croc11/address.js';
import { systemClock, systemRandom } from './edges.js';
import type { Clock } from './edges.js';
import { CrocError, isRelayErrorCode } from './errors.js';
import type { ErrorCode } from './errors.js';
import { Admission } from './transfer/admission.js';

/** How long the relay may take for each answer, and for each port, in milliseconds. */
const STEP_MS = 5000;
/** How often the way there and back is measured; the shortest counts. */
const ROUND_TRIPS = 3;

/** One TCP port of a relay, seen from here. */
export interface CheckedPort {
  readonly port: number;
  readonly reachable: boolean;
  /** Why not. */
  readonly problem?: ErrorCode;
}

/** A relay that answers, seen from here. */
export interface RelayCheck {
  /** `http://host:port`, or `croc://host:port` of one of croc's own network. */
  readonly url: string;
  /** IP address of the TCP ports. */
  readonly address: string;
  /** Version of the protocol that it says it speaks; absent when it does not say (behind a proxy, perhaps, or on croc's own network). */
  readonly version?: string;
  /** Milliseconds there and back. */
  readonly roundTripMs: number;
  readonly ports: readonly CheckedPort[];
}

/** How to look. */
export interface CheckOptions {
  readonly signal?: AbortSignal;
  /** How long each answer may take, in milliseconds; default 5000. */
  readonly timeoutMs?: number;
  /** Password of the relay, where it asks for one; on croc's own network default: the one everybody knows. */
  readonly relayPassword?: string;
  /** Local address to connect from. */
  readonly localAddress?: string;
  readonly clock?: Clock;
}

/**
 * Checks a relay.
 *
 * @param url - its address, as a person types it; `croc://host:port` for one of croc's own network
 * @throws CrocError `invalid_relay`, `relay_unreachable`, `relay_silent`, `not_a_relay`, `relay_password`, or why
 *   it lets nobody in; a port that cannot be reached is no error
 */
export async function checkRelay(url: string, options: CheckOptions = {}): Promise<RelayCheck> {
  const { clock = systemClock, timeoutMs = STEP_MS, localAddress } = options;
  const signal = options.signal ?? new AbortController().signal;
  const from = localAddress === undefined ? {} : { localAddress };
  if (isCrocRelay(url)) return checkCroc(url, { ...options, clock, timeoutMs, signal });
  const relay = new RelayClient({
    ...{ url, clock, answerMs: timeoutMs },
    ...from,
    ...(options.relayPassword !== undefined && { password: options.relayPassword }),
  });
  try {
    const version = await relay.version(signal).catch(versionUnknown);
    const { channel, uuid } = await relay.join('sender', undefined, undefined, signal);
    let roundTripMs = Infinity;
    for (let count = 0; count < ROUND_TRIPS; count += 1) {
      const startMs = clock.now();
      await relay.update({}, signal);
      roundTripMs = Math.min(roundTripMs, clock.now() - startMs);
    }
    const { address, ports: numbers } = await relay.lanes();
    const where = { channel, uuid, address, ...from };
    const limits = { clock, signal, timeoutMs };
    const ports = await Promise.all(numbers.map((port) => checkPort({ ...where, port }, limits)));
    const said = version === undefined ? {} : { version };
    return { url, address, ...said, roundTripMs, ports };
  } finally {
    await relay.close();
    relay.dispose();
  }
}

/** The same of a relay on croc's own network. */
async function checkCroc(
  url: string,
  options: CheckOptions & Required<Pick<CheckOptions, 'clock' | 'timeoutMs' | 'signal'>>,
): Promise<RelayCheck> {
  const { relayPassword: password, ...how } = options;
  const said = password === undefined ? {} : { password };
  // Loaded only when somebody asks: few do.
  const { checkCrocRelay } = await import('./croc11/check.js');
  const check = await checkCrocRelay(url, { ...how, ...said, random: systemRandom });
  const ports = check.ports.map(({ port, reachable }): CheckedPort =>
    reachable ? { port, reachable } : { port, reachable, problem: 'relay_port_blocked' },
  );
  return { ...check, ports };
}

/** Which of its ports cannot be reached and which can, for the detail of an error. */
export function portsInWords({ address, ports }: RelayCheck): string {
  const list = (reachable: boolean): string =>
    ports
      .filter((one) => one.reachable === reachable)
      .map(({ port }) => port)
      .join(', ');
  const open = list(true);
  return `${address}: blocked ${list(false)}; open ${open === '' ? 'none' : open}`;
}

/** A proxy need not let this question pass; the rest is asked all the same. */
function versionUnknown(thrown: unknown): undefined {
  if (thrown instanceof CrocError && thrown.code === 'not_a_relay') return undefined;
  throw thrown;
}

interface Where {
  readonly channel: string;
  readonly uuid: string;
  readonly address: string;
  readonly port: number;
  readonly localAddress?: string;
}

async function checkPort(
  where: Where,
  limits: { readonly clock: Clock; readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<CheckedPort> {
  const { port, address, localAddress } = where;
  const admission = new Admission(where);
  const socket = connect({
    ...{ host: address, port },
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  socket.on('connect', () => socket.write(admission.line));
  socket.on('data', (bytes: Buffer) => {
    if (!admission.settled) admission.push(bytes);
  });
  socket.on('error', (cause) => admission.fail(CrocError.from(cause, 'connection_lost')));
  socket.on('close', () => admission.fail(new CrocError('connection_lost')));
  const onTimeout = (): CrocError => {
    admission.timeOut();
    return new CrocError('relay_port_blocked');
  };
  try {
    await within({ ...limits, onTimeout }, () => admission.answer);
    return { port, reachable: true };
  } catch (thrown) {
    if (limits.signal.aborted) throw thrown;
    const { code } = CrocError.from(thrown);
    // Whatever the relay says about the channel, it was the relay that said it.
    return isRelayErrorCode(code)
      ? { port, reachable: true }
      : { port, reachable: false, problem: code };
  } finally {
    admission.answer.catch(() => undefined);
    socket.destroy();
  }
}
