/** How two croc peers meet: a room at a relay, the exchange, a connection for data on each port. */
import { abortReason } from '../async.js';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';
import { sameBytes } from '../pake/keys.js';
import { CROC_PEER_SALT_BYTES, answerCrocPeer, startCrocPeer } from '../pake/crocPeer.js';
import type { CrocPeerKeys } from '../pake/crocPeer.js';
import type { RecipientState, SenderState } from '../channel/states.js';
import { CROC_PEER_VERSION } from '../wire/crocMessage.js';
import type { CrocMessage } from '../wire/crocMessage.js';
import type { CrocCode } from './code.js';
import { CrocConnection } from './connection.js';
import { Control } from './control.js';
import type { Patience } from './control.js';
import { probeAnswers } from './probe.js';

const HANDSHAKE = Buffer.from('handshake');
const DEFAULT_CURVE = 'p256';

/** Where, with whom, and how long things may take. */
export interface MeetingOptions<State> {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  /** The relay's password. */
  readonly relayPassword: string;
  readonly code: CrocCode;
  /** Connecting to the relay, milliseconds. */
  readonly connectMs: number;
  /** Each step once both are there, milliseconds. */
  readonly stepMs: number;
  /** Until the other side comes, milliseconds. */
  readonly waitMs: number;
  readonly random: RandomBytes;
  /** Stops the meeting; once both have met it means nothing. */
  readonly signal: AbortSignal;
  readonly onState: (state: State) => void;
}

/** Two peers that have the same key. */
export interface CrocLink {
  readonly control: Control;
  readonly data: readonly CrocConnection[];
  /** Encrypts chunks. */
  readonly key: Uint8Array;
}

const wrongCode = (): CrocError => new CrocError('wrong_code');
const version = CROC_PEER_VERSION;

/**
 * Meets the sender.
 *
 * @throws CrocError `no_such_channel` when nobody is there, `wrong_code`, `incompatible_version`, and why the
 *   relay cannot be used
 */
export function meetSender(options: MeetingOptions<RecipientState>): Promise<CrocLink> {
  return meeting(options, async (control, step) => {
    const { code, random, onState } = options;
    onState('awaiting-x');
    await control.connection.send(HANDSHAKE);
    const shared = { ...sharedOf(code), curve: DEFAULT_CURVE };
    const exchange = startCrocPeer(shared, random);
    const bytes2 = Buffer.from(DEFAULT_CURVE);
    await control.say({ type: 'pake', version, bytes: exchange.message, bytes2 });
    const nobody: Patience = {
      timeoutMs: options.stepMs,
      onTimeout: () => new CrocError('no_such_channel'),
    };
    const answer = await control.expectExchange('pake', nobody);
    onState('awaiting-h_k');
    const keys = exchange.finish(bytesOf(answer.bytes), bytesOf(answer.bytes2));
    await control.say({ type: 'pake-confirm', version, bytes: keys.tagA });
    // A sender that finds another tag than ours goes away without a word.
    const confirmed = await control.expectExchange('pake-confirm', step).catch(goneMeansWrong);
    if (!sameBytes(bytesOf(confirmed.bytes), keys.tagB)) throw wrongCode();
    onState('connecting');
    const link = await openData(options, control, keys);
    const { ownAddress } = control.connection;
    await control.say({ type: 'externalip', text: ownAddress, bytes: bytesOf(answer.bytes) });
    await control.expect('externalip', step);
    return link;
  });
}

/**
 * Waits for the recipient. `onState('awaiting-y')` says that the code can be used.
 *
 * @throws CrocError `nobody_came`, `wrong_code`, `incompatible_version`, and why the relay cannot be used
 */
export function meetRecipient(options: MeetingOptions<SenderState>): Promise<CrocLink> {
  return meeting(options, async (control, step) => {
    const { code, random, onState } = options;
    onState('awaiting-y');
    await awaitHandshake(options, control);
    onState('verifying');
    const start = await control.expectExchange('pake', step);
    const shared = { ...sharedOf(code), curve: bytesOf(start.bytes2).toString('latin1') };
    const salt = random(CROC_PEER_SALT_BYTES);
    const { message, keys } = answerCrocPeer(shared, bytesOf(start.bytes), salt, random);
    await control.say({ type: 'pake', version, bytes: message, bytes2: salt });
    const confirmed = await control.expectExchange('pake-confirm', step).catch(goneMeansWrong);
    if (!sameBytes(bytesOf(confirmed.bytes), keys.tagA)) throw wrongCode();
    await control.say({ type: 'pake-confirm', version, bytes: keys.tagB });
    onState('connecting');
    const link = await openData(options, control, keys);
    await control.expect('externalip', step);
    await control.say({ type: 'externalip', text: control.connection.ownAddress });
    return link;
  });
}

/** Enters the room, runs `meet`, and leaves nothing open when that fails. */
async function meeting<State extends string>(
  options: MeetingOptions<State>,
  meet: (control: Control, step: Patience) => Promise<CrocLink>,
): Promise<CrocLink> {
  const { random, signal, stepMs, code } = options;
  const connection = await open(options, options.port, code.room);
  const control = new Control(connection, random);
  const onAbort = (): void => connection.fail(abortReason(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await meet(control, {
      timeoutMs: stepMs,
      onTimeout: () => new CrocError('peer_silent'),
    });
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function open<State>(
  options: MeetingOptions<State>,
  port: number,
  room: string,
): Promise<CrocConnection> {
  const { host, localAddress, relayPassword: password, connectMs: timeoutMs } = options;
  const from = localAddress === undefined ? {} : { localAddress };
  const where = { host, port, ...from, password, room, timeoutMs };
  return CrocConnection.open(where, options.random, options.signal);
}

/** Serves the recipient's look for a shorter way until it begins in earnest. */
async function awaitHandshake(
  { code, random, waitMs }: MeetingOptions<SenderState>,
  control: Control,
): Promise<void> {
  const answers = probeAnswers(code, random);
  const nobody: Patience = {
    timeoutMs: waitMs,
    onTimeout: () => new CrocError('nobody_came'),
  };
  for (;;) {
    const body = await control.hearRaw(nobody);
    if (body.equals(HANDSHAKE)) return;
    await control.connection.send(answers(body));
  }
}

/** A connection for data on each of the relay's ports, all or none. */
async function openData<State>(
  options: MeetingOptions<State>,
  control: Control,
  keys: CrocPeerKeys,
): Promise<CrocLink> {
  const ports = control.connection.ports;
  if (ports.length === 0) throw new CrocError('not_a_relay', { detail: 'no port for data' });
  const room = options.code.room;
  const attempts = await Promise.allSettled(
    ports.map((port, index) => open(options, port, `${room}-${index}`)),
  );
  const data = attempts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refused = attempts.find((one) => one.status === 'rejected');
  if (refused) {
    for (const one of data) one.destroy();
    throw refused.reason;
  }
  control.secure(keys.traffic);
  return { control, data, key: keys.traffic };
}

function sharedOf({ room, password }: CrocCode): {
  readonly purpose: 'peer-transfer';
  readonly room: string;
  readonly password: string;
} {
  return { purpose: 'peer-transfer', room, password };
}

function bytesOf(bytes: CrocMessage['bytes']): Buffer {
  if (bytes === undefined)
    throw new CrocError('key_exchange_failed', { detail: 'a message without its bytes' });
  return Buffer.from(bytes);
}

/** Between the two confirmations a peer that goes away or fails has found that ours is wrong. */
function goneMeansWrong(thrown: unknown): never {
  const error = CrocError.from(thrown);
  throw error.code === 'connection_lost' || error.code === 'peer_failed' ? wrongCode() : error;
}
