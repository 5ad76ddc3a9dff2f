/** The numbers of the data plane (docs/protocol.md, "Data over the lanes"). */

/** Bytes of file content in one data record, at most. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** Bytes of a record before sealing, at most: the content and room for its table of pieces. */
export const MAX_PLAINTEXT_BYTES = MAX_PAYLOAD_BYTES + 64 * 1024;
/** Bytes of the authentication tag of AES-256-GCM. */
export const TAG_BYTES = 16;
/** Bytes of a record's length field. */
export const LENGTH_BYTES = 4;
/** Size of the window of a compressed record, at most, as a power of two. */
export const MAX_WINDOW_BITS = 20;
/** Pieces in one data record, at most. */
export const MAX_PIECES = 2048;
/** Bytes of all paths and link targets of one offer in UTF-8, and 64 for each entry, at most. */
export const MAX_OFFER_BYTES = 256 * 1024 * 1024;
/** Version of the data plane that this code speaks, and the oldest that it still understands. */
export const DATA_VERSION = 1;
export const OLDEST_DATA_VERSION = 1;
/** Optional abilities that this code lists in `hello`; one is in use when both sides list it. */
export const FEATURES = ['text', 'resume', 'reconnect', 'brotli', 'packed', 'lanes'] as const;
export type Feature = (typeof FEATURES)[number];
/** Bytes of a text or patch that is offered, at most. */
export const MAX_TEXT_BYTES = 16 * 1024 * 1024;
/** Bytes of one `text` message before base64, at most; a multiple of 3, so that only the last is padded. */
export const TEXT_CHUNK_BYTES = 384 * 1024;
/** A party that has said nothing for this long says `ping`. */
export const PING_INTERVAL_MS = 5_000;
/** A peer that has not been heard for this long is gone. */
export const PEER_SILENCE_MS = 30_000;
/** A lane that has brought nothing for this long, where both can reconnect, is dialled again. */
export const LANE_SILENCE_MS = 12_000;
/** For how long a lane that was lost is dialled again, since it was last heard. */
export const RECONNECT_MS = 120_000;
/** Before a lane is dialled again: at first about this long, doubling to twelve times as long. */
export const REDIAL_PAUSE_MS = 250;
/** Between two words of a party about how far a lane is, when something new came. */
export const POSITION_MS = 100;
/**
 * Records of one lane that the peer has not confirmed, at most: what a cut can cost. Four lanes of 1 MiB records
 * are 60 MiB on their way, enough for 4 Gbit/s at 100 ms.
 */
export const MAX_UNCONFIRMED_RECORDS = 15;
/** Bytes of control records among those, at most; further ones wait. */
export const MAX_UNCONFIRMED_BYTES = 4 * 1024 * 1024;
/** Bytes of a block of a file, the unit that is compared. */
export const BLOCK_BYTES = 256 * 1024;
/** Bytes of a block's hash. */
export const HASH_BYTES = 16;
/** Bytes of the salt of a transfer's hashes. */
export const SALT_BYTES = 16;
/** Blocks whose hashes were sent and whose fate is not known yet, at most. */
export const MAX_UNJUDGED_BLOCKS = 4096;
/** Runs of blocks in one `hashes` or `judged` message, at most. */
export const MAX_RUNS = 4096;
