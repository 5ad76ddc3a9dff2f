/** Both halves of the rendezvous (docs/protocol.md, "The two clients"), in steps that tests can break. */
import { booleanOf, bytesOf, integerOf, listOf, PeerError, textOf, type Fields } from './fields.js';
import { Lane } from './lane.js';
import type { Role } from './lane.js';
import {
  identities,
  parseCode,
  randomScalar,
  recipientKey,
  senderKey,
  senderPoint,
  sha256,
} from './pake.js';
import type { Setting } from './pake.js';
import { RelayLink } from './relay.js';

/** The relay's view of a channel. */
export interface ChannelState {
  readonly x: Buffer | undefined;
  readonly y: Buffer | undefined;
  readonly h_k: Buffer | undefined;
  readonly hh_k: Buffer | undefined;
  readonly stapled: boolean;
  readonly version: number;
}

function stateOf(fields: Fields): ChannelState {
  return {
    x: bytesOf(fields, 'x'),
    y: bytesOf(fields, 'y'),
    h_k: bytesOf(fields, 'h_k'),
    hh_k: bytesOf(fields, 'hh_k'),
    stapled: booleanOf(fields, 'stapled'),
    version: integerOf(fields, 'version'),
  };
}

/** How to join. */
export interface JoinOptions {
  /** A name of one's own; a recipient must give one. */
  readonly channel?: string;
  /** Of use from a sender only. */
  readonly curve?: string;
  /** Address 127.x.x.x to come from. */
  readonly localAddress?: string;
}

/** One party in one channel. */
export class Party {
  #version = 0;

  private constructor(
    readonly relay: RelayLink,
    readonly role: Role,
    readonly channel: string,
    readonly uuid: string,
    readonly curve: string,
    readonly ports: readonly number[],
  ) {}

  /** `POST /join`. @param url - of the relay */
  static async join(url: string, role: Role, options: JoinOptions = {}): Promise<Party> {
    const { localAddress, ...fields } = options;
    const relay = new RelayLink(url, localAddress);
    const answer = await relay.post('/join', { role, ...fields });
    const ports = listOf(answer, 'ports').map((port) => integerOf({ port }, 'port'));
    const [channel, uuid] = [textOf(answer, 'channel'), textOf(answer, 'uuid')];
    return new Party(relay, role, channel, uuid, textOf(answer, 'curve'), ports);
  }

  /** `POST /channel` with these values; byte strings go out as base64. */
  async give(values: Readonly<Record<string, unknown>> = {}): Promise<ChannelState> {
    const fields = Object.entries(values).map(([name, value]): [string, unknown] => [
      name,
      Buffer.isBuffer(value) ? value.toString('base64') : value,
    ]);
    const { channel, uuid } = this;
    const body = { channel, uuid, ...Object.fromEntries(fields) };
    const state = stateOf(await this.relay.post('/channel', body));
    this.#version = state.version;
    return state;
  }

  /** Polls until there is something. */
  async until<Found>(find: (state: ChannelState) => Found | undefined): Promise<Found> {
    for (let state = await this.give(); ; state = await this.give({ since: this.#version })) {
      const found = find(state);
      if (found !== undefined) return found;
    }
  }

  /** Opens every lane; resolves when the relay has admitted all of them. */
  async openLanes(k: Uint8Array, x: Uint8Array, y: Uint8Array): Promise<Lane[]> {
    const { channel, curve } = this;
    return Promise.all(
      this.ports.map(async (port, index) => {
        const { socket, reader } = await this.relay.openLane(port, channel, this.uuid);
        return new Lane(socket, reader, { k, channel, curve, x, y }, this.role, index);
      }),
    );
  }

  /** Ends the channel, also when it has ended before, and every connection. */
  async leave(): Promise<void> {
    await this.give({ close: true }).catch(() => undefined);
    this.relay.close();
  }
}

function settingOf(party: Party, pw: Uint8Array): Setting {
  return { curve: party.curve, pw, ids: identities(party.channel) };
}

/** A sender that has shown its code and waits for a recipient. */
export interface Waiting {
  readonly party: Party;
  readonly code: string;
  /** Meets the recipient: the lanes are stapled when it resolves. */
  meet(): Promise<Lane[]>;
}

/** Opens a channel with a secret. @param secret - already normal, e.g. `lunar-acorn-quilt` */
export async function openAsSender(
  url: string,
  secret: string,
  options: JoinOptions = {},
): Promise<Waiting> {
  const party = await Party.join(url, 'sender', options);
  const setting = settingOf(party, Buffer.from(secret, 'utf8'));
  const alpha = randomScalar(party.curve);
  const x = senderPoint(setting, alpha);
  await party.give({ x });

  const meet = async (): Promise<Lane[]> => {
    const { y, hh_k } = await party.until(({ y, hh_k }) => y && hh_k && { y, hh_k });
    const k = senderKey(setting, alpha, x, y);
    const h_k = sha256(k);
    if (!sha256(h_k).equals(hh_k)) {
      await party.leave();
      throw new PeerError('wrong_code');
    }
    await party.give({ h_k });
    const lanes = await party.openLanes(k, x, y);
    await party.until(({ stapled }) => stapled || undefined);
    return lanes;
  };
  return { party, code: `${party.channel}-${secret}`, meet };
}

/** A recipient that has joined and computed its half. */
export interface Answering {
  readonly party: Party;
  readonly k: Buffer;
  readonly x: Buffer;
  readonly y: Buffer;
}

/** Joins with a code and computes y and k; gives nothing to the relay yet. */
export async function joinAsRecipient(
  url: string,
  typed: string,
  options: JoinOptions = {},
): Promise<Answering> {
  const { channel, pw } = parseCode(typed);
  const party = await Party.join(url, 'recipient', { ...options, channel });
  const x = await party.until((state) => state.x);
  const { y, k } = recipientKey(settingOf(party, pw), randomScalar(party.curve), x);
  return { party, k, x, y };
}

/** Gives y and the confirmation, checks the sender's, opens the lanes. */
export async function confirmAsRecipient({ party, k, x, y }: Answering): Promise<Lane[]> {
  const h_k = sha256(k);
  await party.give({ y, hh_k: sha256(h_k) });
  const theirs = await party.until((state) => state.h_k);
  if (!theirs.equals(h_k)) {
    await party.leave();
    throw new PeerError('wrong_code');
  }
  return party.openLanes(k, x, y);
}
