/** The public API of Croc: everything that a program may import, and nothing else. */
export { completeWord, looksLikeCode, parseCode, shellQuoted } from './code.js';
export type { Code } from './code.js';
export { Croc } from './croc.js';
export type { CrocOptions } from './croc.js';
export type { Timing } from './timing.js';
export { CrocError, ERRORS, isErrorCode, printable } from './errors.js';
export type { CrocErrorOptions, ErrorCode, ErrorPhase } from './errors.js';
export { RECIPIENT_STATES, SENDER_STATES } from './channel/states.js';
export type { RecipientState, SenderState } from './channel/states.js';
export { parseRelayAddress } from './channel/relayUrl.js';
export { isCrocRelay, parseCrocRelayAddress } from './croc11/address.js';
export { networkOf } from './network.js';
export { CURVE_NAMES, TEXT_KINDS } from './types.js';
export { MAX_TEXT_BYTES } from './wire/limits.js';
export { checkRelay, portsInWords } from './checkRelay.js';
export type { CheckedPort, CheckOptions, RelayCheck } from './checkRelay.js';
export { parseMulticast } from './discovery/network.js';
export { findRelays } from './discovery/find.js';
export type { FindOptions, FoundRelay } from './discovery/find.js';
export type {
  AcceptOptions,
  ActiveFile,
  Conflict,
  ConflictChoice,
  Connection,
  CurveName,
  ExcludePatterns,
  IgnoreOptions,
  MemoryFile,
  Multicast,
  OfferEntry,
  Offered,
  OfferKind,
  Progress,
  ReceiveEvents,
  ReceiveResult,
  Renamed,
  Role,
  SendEvents,
  SendItem,
  Skipped,
  TextItem,
  TextKind,
  Totals,
  TransferEvents,
  TransferResult,
  UndoResult,
} from './types.js';
export type {
  Network,
  Offer,
  Receive,
  ReceiveOptions,
  Relay,
  RelayOptions,
  RelayStats,
  Send,
  SendOptions,
  Undo,
} from './api.js';
export { freeBytes } from './files/freeSpace.js';
export { discardKept } from './files/undo.js';
export { startRelay, startRelayThread } from './relays.js';
export { DEFAULT_LIMITS as DEFAULT_RELAY_LIMITS, PACES as RELAY_PACES } from './relay/limits.js';
export type { RelayLimits } from './relay/limits.js';
export type { OperatedRelay, RelayGauges, RelaySetup } from './relay/relay.js';
export type { RelayEvent } from './relay/events.js';
