/**
 * How a relay looks in DNS-SD (RFC 6763): the records that it is told by, what a question gets, and
 * what an answer says. Pure: packets in, packets out. Nothing in them names a person or a machine.
 */
import type { Answer, Packet, Question } from 'dns-packet';
import type { RandomBytes } from '../edges.js';

/** The service type (docs/protocol.md, "Relays on the local network"). */
export const SERVICE = '_croc-share._tcp.local';
/** The name under which DNS-SD lists the types of services (RFC 6763, section 9). */
const SERVICE_TYPES = '_services._dns-sd._udp.local';
/** Seconds for which others may keep a record, as RFC 6762 section 10 recommends them. */
const POINTER_TTL_S = 4500;
const HOST_TTL_S = 120;
/** Seconds in an answer to somebody who does not listen on after it (RFC 6762, section 6.7). */
const LEGACY_TTL_S = 10;
/** How the codec calls a question for records of every type. */
const EVERY_TYPE: ReadonlySet<string> = new Set(['ANY', '*']);
/** Questions of one packet that are looked at, and records of one answer. */
const MAX_QUESTIONS = 32;
const MAX_RECORDS = 64;

/** What is told about one relay. */
export interface Service {
  /** `<random>._croc-share._tcp.local` */
  readonly instance: string;
  /** `<random>.local`: not the name of the machine. */
  readonly host: string;
  /** The relay's HTTP port. */
  readonly port: number;
}

/** A packet that answers. */
export type Reply = Packet & { answers: Answer[] };

/** Random names for a relay. @param port - its HTTP port */
export function newService(port: number, random: RandomBytes): Service {
  const name = (): string => Buffer.from(random(8)).toString('hex');
  return { instance: `${name()}.${SERVICE}`, host: `${name()}.local`, port };
}

/** All records of a service at one IPv4 address. `flush`: nobody else has records of these names. */
interface Records {
  readonly pointer: Answer;
  readonly own: readonly Answer[];
  readonly address: Answer;
}

function recordsOf(service: Service, address: string, flush: boolean): Records {
  const { instance, host, port } = service;
  const server = { port, target: host, priority: 0, weight: 0 };
  return {
    pointer: { type: 'PTR', name: SERVICE, ttl: POINTER_TTL_S, data: instance },
    own: [
      { type: 'SRV', name: instance, ttl: HOST_TTL_S, flush, data: server },
      { type: 'TXT', name: instance, ttl: POINTER_TTL_S, flush, data: ['txtvers=1'] },
    ],
    address: { type: 'A', name: host, ttl: HOST_TTL_S, flush, data: address },
  };
}

const withTtl = (record: Answer, ttl: number): Answer =>
  record.type === 'OPT' ? record : { ...record, ttl };

/** What is said unasked when a relay starts. @param address - IPv4 address that it is reached at */
export function announcement(service: Service, address: string): Reply {
  const { pointer, own, address: host } = recordsOf(service, address, true);
  return { answers: [pointer, ...own, host] };
}

/** What is said when it stops: the same with no time to live (RFC 6762, section 10.1). */
export function goodbye(service: Service, address: string): Reply {
  const { answers } = announcement(service, address);
  return { answers: answers.map((record) => withTtl(record, 0)) };
}

/**
 * What a query gets.
 *
 * @param address - IPv4 address at which the one who asks reaches the relay
 * @param legacy - whether it asked from another port than the multicast one, so that the answer goes
 *   to it alone, repeats question and id, and is not to be kept (RFC 6762, section 6.7)
 * @returns undefined when nothing in it is about this service
 */
export function answerTo(
  query: Packet,
  service: Service,
  address: string,
  legacy: boolean,
): Reply | undefined {
  const records = recordsOf(service, address, !legacy);
  const questions = (query.questions ?? []).slice(0, MAX_QUESTIONS);
  const known = (query.answers ?? []).some(
    (record) =>
      record.type === 'PTR' &&
      record.data === service.instance &&
      (record.ttl ?? 0) > POINTER_TTL_S / 2,
  );
  const answers = new Set<Answer>();
  for (const question of questions) {
    for (const record of matching(question, service, records)) {
      if (record !== records.pointer || !known) answers.add(record);
    }
  }
  if (answers.size === 0) return undefined;
  const more = [...records.own, records.address].filter((record) => !answers.has(record));
  const last = (record: Answer): Answer => (legacy ? withTtl(record, LEGACY_TTL_S) : record);
  return {
    ...(legacy && query.id !== undefined ? { id: query.id, questions } : {}),
    answers: [...answers].map(last),
    additionals: more.map(last),
  };
}

function matching(
  { name, type }: Question,
  { instance, host }: Service,
  { pointer, own, address }: Records,
): readonly Answer[] {
  const wants = (record: Answer): boolean => type === record.type || EVERY_TYPE.has(type);
  switch (name.toLowerCase()) {
    case SERVICE:
      return [pointer].filter(wants);
    case SERVICE_TYPES: {
      const types: Answer = {
        type: 'PTR',
        name: SERVICE_TYPES,
        ttl: POINTER_TTL_S,
        data: SERVICE,
      };
      return [types].filter(wants);
    }
    case instance:
      return own.filter(wants);
    case host:
      return [address].filter(wants);
    default:
      return [];
  }
}

/** The question for every relay on the network. @param id - repeated in answers, 0 to 65535 */
export function question(id: number): Packet {
  return { type: 'query', id, questions: [{ name: SERVICE, type: 'PTR' }] };
}

/** A relay as an answer names it. */
export interface Told {
  readonly instance: string;
  readonly port: number;
}

/**
 * The relays that an answer names. Its addresses are not looked at: a relay is where its answer came
 * from, so that nobody can send us somewhere else.
 *
 * @param id - of the question; another answer tells nothing
 */
export function relaysIn(packet: Packet, id: number): Told[] {
  if (packet.type !== 'response' || packet.id !== id) return [];
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, MAX_RECORDS);
  const instances = new Set(
    records.flatMap((record) =>
      record.type === 'PTR' && record.name.toLowerCase() === SERVICE && record.ttl !== 0
        ? [record.data.toLowerCase()]
        : [],
    ),
  );
  return records.flatMap((record) => {
    if (record.type !== 'SRV') return [];
    const instance = record.name.toLowerCase();
    const { port } = record.data;
    return instances.has(instance) && instance.endsWith(`.${SERVICE}`) && port > 0
      ? [{ instance, port }]
      : [];
  });
}
