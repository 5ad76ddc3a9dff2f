/**
 * Looks whether a relay of croc's own network can be used from here, the way a transfer would: lets itself into
 * a room of its own with the relay's password, and asks every port for a sign of life.
 */
import { connect } from 'node:net';
import { deferred, within } from '../async.js';
import type { Clock, RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { CrocFrameReader, encodeCrocFrame } from '../wire/crocFrame.js';
import { crocRelayUrl, parseCrocRelay } from './address.js';
import { CrocConnection } from './connection.js';
import { DEFAULT_PASSWORD } from './route.js';

const PING = Buffer.from('ping');
const PONG = Buffer.from('pong');
/** A room's name is as long as those that codes name, 64 hex digits. */
const ROOM_BYTES = 32;

/** How to look. */
export interface CrocCheckOptions {
  /** The relay's password; default: the one that croc's relays have unless their operator set another. */
  readonly password?: string;
  /** How long each step may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly localAddress?: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** A relay that lets us in, seen from here. */
export interface CrocRelayCheck {
  readonly url: string;
  /** IP address of the relay. */
  readonly address: string;
  /** Milliseconds there and back, the shortest of all ports. */
  readonly roundTripMs: number;
  /** The port for control, then those for data. */
  readonly ports: readonly { readonly port: number; readonly reachable: boolean }[];
}

/**
 * Checks a relay of croc's own network.
 *
 * @param url - `croc://host` or `croc://host:port`
 * @throws CrocError `invalid_relay`, `relay_unreachable`, `relay_silent`, `not_a_relay`, `relay_password`,
 *   `rate_limited`, or why `signal` fired; a port for data that cannot be reached is no error
 */
export async function checkCrocRelay(
  url: string,
  options: CrocCheckOptions,
): Promise<CrocRelayCheck> {
  const { host, port } = parseCrocRelay(url);
  const { password = DEFAULT_PASSWORD, timeoutMs, localAddress, random, signal } = options;
  const from = localAddress === undefined ? {} : { localAddress };
  const room = Buffer.from(random(ROOM_BYTES)).toString('hex');
  const where = { host, port, ...from, password, room, timeoutMs };
  const connection = await CrocConnection.open(where, random, signal);
  connection.destroy();
  const detail = `${host}:${port}`;
  // A transfer could not go through it either.
  if (connection.ports.length === 0)
    throw new CrocError('not_a_relay', { detail: `${detail}: no port for data` });
  const numbers = [...new Set([port, ...connection.ports])];
  const answers = await Promise.all(numbers.map((one) => ping(host, one, options)));
  const heard = answers.filter((answer) => answer !== undefined);
  const [first] = heard;
  if (first === undefined) throw new CrocError('relay_silent', { detail });
  return {
    url: crocRelayUrl({ host, port }),
    address: first.address,
    roundTripMs: Math.min(...heard.map(({ ms }) => ms)),
    ports: numbers.map((one, index) => ({ port: one, reachable: answers[index] !== undefined })),
  };
}

interface Pong {
  readonly ms: number;
  readonly address: string;
}

/** Asks one port for a sign of life. @returns undefined when there is none @throws why `signal` fired */
async function ping(
  host: string,
  port: number,
  { localAddress, clock, signal, timeoutMs }: CrocCheckOptions,
): Promise<Pong | undefined> {
  const answer = deferred<Pong>();
  const reader = new CrocFrameReader(PONG.length);
  const none = new CrocError('relay_port_blocked');
  let sentAtMs = 0;
  const socket = connect({ host, port, noDelay: true, ...(localAddress && { localAddress }) });
  socket.on('connect', () => {
    sentAtMs = clock.now();
    socket.write(encodeCrocFrame(PING));
  });
  socket.on('data', (bytes) => {
    reader.push(bytes);
    try {
      if (reader.next()?.equals(PONG) === true)
        answer.resolve({ ms: clock.now() - sentAtMs, address: socket.remoteAddress ?? host });
    } catch {
      answer.reject(none);
    }
  });
  socket.on('error', () => answer.reject(none)).on('close', () => answer.reject(none));
  try {
    return await within({ clock, signal, timeoutMs, onTimeout: () => none }, () => answer.promise);
  } catch (thrown) {
    if (thrown === none) return undefined;
    throw thrown;
  } finally {
    socket.destroy();
  }
}
