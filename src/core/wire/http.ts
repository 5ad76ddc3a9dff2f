/**
 * What goes over the wire between a client and a relay before data flows: requests and answers
 * of the two HTTP routes, and the first line of a lane (docs/protocol.md, "HTTP: rendezvous" and
 * "TCP: the relay's ports"). One schema each, used by the relay and by the clients alike.
 *
 * Unknown fields are dropped without a word, so that either side may learn new ones.
 */
import { isIP } from 'node:net';
import * as v from 'valibot';
export type { ChannelAnswer, ChannelRequest } from './channelState.js';
import { CURVE_NAMES } from '../types.js';
import type { CurveName } from '../types.js';

/** The longest request body in bytes; above it the relay says `too_large`. */
export const MAX_REQUEST_BYTES = 16 * 1024;
/** The longest first line of a lane in bytes, its line end included. */
export const MAX_LANE_LINE_BYTES = 512;
/** How long a relay holds a request that has `since`, in milliseconds. */
export const MAX_HOLD_MS = 25_000;
/** How long a lane may take to send its first line, in milliseconds. */
export const IDENTIFY_MS = 10_000;
/** The most TCP ports that a relay may name, and the most lanes of a party. */
export const MAX_LANES = 16;
/** Where a relay listens for HTTP when nobody says otherwise. */
export const DEFAULT_HTTP_PORT = 8003;
/** The lanes of a relay when nobody says otherwise. */
export const DEFAULT_TCP_PORTS: readonly number[] = [27001, 27002, 27003, 27004];

/** Bytes of an uncompressed SEC1 point (`04 ‖ x ‖ y`) on each curve. */
export const POINT_BYTES: Readonly<Record<CurveName, number>> = {
  p256: 65,
  p384: 97,
  p521: 133,
  siec: 65,
};
/** Bytes of `h_k` and `hh_k`, both SHA-256. */
export const HASH_BYTES = 32;

const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;
/** Tells whether `text` can be the host of lanes: an IP address or a DNS name. */
export function isLaneHost(text: string): boolean {
  return isIP(text) !== 0 || (text.length <= 253 && HOST_NAME.test(text));
}

const LONGEST_BASE64 = Math.ceil(POINT_BYTES.p521 / 3) * 4;

/**
 * Reads base64 of RFC 4648 §4 in its one canonical form: padded, no line breaks, unused bits zero.
 * @returns the bytes, or nothing when `text` is anything else
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined;
}

/** Writes bytes as canonical base64. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

const byteString = v.pipe(
  v.string(),
  v.minLength(4),
  v.maxLength(LONGEST_BASE64),
  v.check((text) => decodeBase64(text) !== undefined, 'not canonical base64'),
);
const hash = v.pipe(
  byteString,
  v.check((text) => decodeBase64(text)?.length === HASH_BYTES, 'not 32 bytes'),
);
const role = v.picklist(['sender', 'recipient']);
const curve = v.picklist(CURVE_NAMES);
const portNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const ports = v.pipe(v.array(portNumber), v.minLength(1), v.maxLength(MAX_LANES));
const laneNumber = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_LANES - 1));
const mostLanes = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_LANES));
const laneHost = v.pipe(v.string(), v.check(isLaneHost, 'not a host'));
const counter = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The name of a channel: 1 to 32 of `a-z0-9`, at least one of them a digit. */
export const channelNameSchema = v.pipe(v.string(), v.regex(/^(?=.*[0-9])[a-z0-9]{1,32}$/));

/** The capability of one party: opaque to clients, 1 to 128 characters of printable ASCII. */
export const uuidSchema = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,128}$/));

/** A capability that a client chooses for itself: long enough that nobody guesses it. */
const ownUuidSchema = v.pipe(v.string(), v.regex(/^[\x21-\x7e]{32,128}$/));

/** `POST /join`, request. */
export const joinRequestSchema = v.pipe(
  v.object({
    channel: v.exactOptional(channelNameSchema),
    curve: v.exactOptional(curve),
    /** Makes the join repeatable: the same one again is answered like the first time. */
    uuid: v.exactOptional(ownUuidSchema),
    role,
  }),
  v.check((join) => join.role === 'sender' || join.channel !== undefined, 'no channel named'),
);
export type JoinRequest = v.InferOutput<typeof joinRequestSchema>;

/** `POST /join`, answer 200. */
export const joinAnswerSchema = v.object({
  channel: channelNameSchema,
  uuid: uuidSchema,
  role,
  curve,
  /** Where the lanes are, when that is not the host of HTTP: an IP address or a name. */
  host: v.exactOptional(laneHost),
  /** TCP ports at that host; lane i is `ports[i]`. */
  ports,
  /** How many lanes a party may have there, by number and not only one a port; absent: one a port. */
  lanes: v.exactOptional(mostLanes),
  /** Seconds after which the relay closes a channel that nobody touches. */
  expires_in: counter,
});
export type JoinAnswer = v.InferOutput<typeof joinAnswerSchema>;

/** `POST /channel`, request. */
export const channelRequestSchema = v.object({
  channel: channelNameSchema,
  uuid: uuidSchema,
  x: v.exactOptional(byteString),
  y: v.exactOptional(byteString),
  hh_k: v.exactOptional(hash),
  h_k: v.exactOptional(hash),
  close: v.exactOptional(v.boolean()),
  since: v.exactOptional(counter),
});

/** `POST /channel`, answer 200: the channel as one party may see it. */
export const channelAnswerSchema = v.object({
  channel: channelNameSchema,
  role,
  curve,
  x: v.exactOptional(byteString),
  y: v.exactOptional(byteString),
  hh_k: v.exactOptional(hash),
  h_k: v.exactOptional(hash),
  stapled: v.boolean(),
  host: v.exactOptional(laneHost),
  ports,
  lanes: v.exactOptional(mostLanes),
  version: counter,
});

/**
 * Any refusal, over HTTP and on a lane. A client takes `code` for known only after
 * `isRelayErrorCode`, because a newer relay may have others.
 */
export const errorAnswerSchema = v.object({
  error: v.object({
    code: v.pipe(v.string(), v.maxLength(64)),
    message: v.pipe(v.string(), v.maxLength(1024)),
    /** Whole seconds after which it may be tried again, as `Retry-After` says it. */
    retry_after: v.optional(counter),
  }),
});
export type ErrorAnswer = v.InferOutput<typeof errorAnswerSchema>;

/** The first line of a lane, client to relay. */
export const laneLineSchema = v.object({
  channel: channelNameSchema,
  uuid: uuidSchema,
  /** Which lane it is; absent: the one of the port. */
  lane: v.exactOptional(laneNumber),
});
export type LaneLine = v.InferOutput<typeof laneLineSchema>;

/** The first line of a lane, relay to client. */
export const laneAnswerSchema = v.union([v.object({ ok: v.literal(true) }), errorAnswerSchema]);
export type LaneAnswer = v.InferOutput<typeof laneAnswerSchema>;

/** `GET /healthz`, answer 200. */
export const healthAnswerSchema = v.object({
  ok: v.literal(true),
  service: v.literal('croc-relay'),
  version: v.string(),
});
export type HealthAnswer = v.InferOutput<typeof healthAnswerSchema>;
