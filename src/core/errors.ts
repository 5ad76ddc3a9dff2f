/**
 * The errors of Croc: one class, one closed list of codes.
 *
 * Programs match on `code`; people read `message`, which says what happened, what it means and
 * what to do next. No message ever carries a secret, a key or a code phrase.
 */

/** Where in a transfer an error belongs. */
export type ErrorPhase =
  | 'usage'
  | 'code'
  | 'relay'
  | 'key-exchange'
  | 'connect'
  | 'offer'
  | 'transfer'
  | 'files'
  | 'internal';

interface ErrorEntry {
  readonly phase: ErrorPhase;
  /** What happened and what it means. */
  readonly what: string;
  /** What the person can do next. */
  readonly next: string;
}

/** The codes a relay answers with (docs/protocol.md, "Errors"), and their HTTP status. */
export const RELAY_ERROR_STATUS = {
  bad_request: 400,
  unauthorized: 401,
  relay_password: 401,
  channel_full: 403,
  bad_key: 403,
  no_such_channel: 404,
  role_taken: 409,
  out_of_order: 409,
  already_set: 409,
  channel_closed: 410,
  transfer_limit: 410,
  too_large: 413,
  misdirected: 421,
  rate_limited: 429,
  relay_full: 503,
  relay_draining: 503,
  relay_unavailable: 503,
} as const;

/** A code from the relay's closed list. */
export type RelayErrorCode = keyof typeof RELAY_ERROR_STATUS;

/** Tells whether `value` is one of the relay's error codes. */
export function isRelayErrorCode(value: unknown): value is RelayErrorCode {
  return typeof value === 'string' && Object.hasOwn(RELAY_ERROR_STATUS, value);
}

const relay = (what: string, next: string): ErrorEntry => ({ phase: 'relay', what, next });
const code = (what: string, next: string): ErrorEntry => ({ phase: 'code', what, next });
const transfer = (what: string, next: string): ErrorEntry => ({ phase: 'transfer', what, next });
const files = (what: string, next: string): ErrorEntry => ({ phase: 'files', what, next });

const SEND_AGAIN = 'Ask the sender to send again and use the new code.';
const UPDATE = 'Update Croc on both sides and try again.';

/** Every error: its phase, its default sentence and what to do next. */
export const ERRORS = {
  // What the relay says.
  bad_request: relay('The relay did not understand the request.', UPDATE),
  unauthorized: relay('The relay does not accept this party of the channel.', SEND_AGAIN),
  channel_full: relay(
    'Two other addresses already use this channel, so the relay keeps everyone else out. If your network changed in the middle, you are the third address.',
    SEND_AGAIN,
  ),
  bad_key: relay(
    'The relay saw two keys that do not match and closed the channel.',
    'Compare the code with the sender; somebody may have tried to interfere.',
  ),
  no_such_channel: relay(
    'Nobody is sending with this code on this relay. It may be mistyped, expired or already used, or be for another relay.',
    'Check the code and the relay address with the sender.',
  ),
  role_taken: relay(
    'Somebody already uses this code.',
    'Choose another code, or ask the sender for a new one.',
  ),
  out_of_order: relay('The relay got a step too early.', UPDATE),
  already_set: relay('The relay already has another value for this step.', SEND_AGAIN),
  channel_closed: relay('The channel was closed by the other side or expired.', SEND_AGAIN),
  too_large: relay('The relay refused a request that is too large.', UPDATE),
  rate_limited: relay(
    'The relay gets too many requests from this address.',
    'Wait a minute and try again.',
  ),
  relay_full: relay(
    'The relay has no room for another transfer.',
    'Try again later or use another relay.',
  ),
  relay_unavailable: relay(
    'The relay cannot serve for the moment: it, or the store that it shares with others, cannot be reached.',
    'Try again in a minute; if it stays, tell whoever runs the relay.',
  ),
  misdirected: relay('The lanes of this channel are at another address of the relay.', SEND_AGAIN),

  relay_draining: relay(
    'The relay is about to stop and takes no new transfers.',
    'Try again in a minute or use another relay.',
  ),
  relay_password: relay(
    'The relay wants a password, and this one is missing or wrong.',
    'Ask whoever runs the relay for its password.',
  ),
  password_in_clear: relay(
    "The relay's password would cross the network unencrypted, so it was not sent.",
    'Use the https address of the relay.',
  ),
  transfer_limit: relay(
    'The relay ended the transfer because it was larger or took longer than this relay allows.',
    'Send it in parts, or use another relay.',
  ),

  // What a client finds out about the relay.
  no_relay: relay(
    'No relay is set, so there is no place to meet the sender.',
    'Give the relay address that the sender sees beside the code.',
  ),
  several_relays: relay(
    'Several relays on this network have a channel of this name, and only one of them is your sender’s.',
    'Give the relay address that the sender sees beside the code.',
  ),
  invalid_relay: relay(
    'This is not the address of a relay.',
    'An address looks like http://192.168.1.5:8003.',
  ),
  relay_unreachable: relay(
    'The relay does not answer at this address.',
    'Check the address, that the relay runs, and that no firewall blocks it.',
  ),
  relay_port_blocked: relay(
    'The relay answers, but one of its TCP ports cannot be reached.',
    'Open that port in the firewall between you and the relay.',
  ),
  relay_gone: relay(
    'The connection to the relay was lost and did not come back.',
    'Check that the relay still runs, then send again into the same folder; what has arrived is not sent again.',
  ),
  relay_restarted: relay(
    'The relay does not know this transfer any more: it was restarted, or the other side gave up meanwhile.',
    'Send again into the same folder; what has arrived is not sent again.',
  ),
  relay_fewer_ports: relay(
    'Another process of the relay took this transfer over, and it has fewer TCP ports than the transfer uses.',
    'Send again into the same folder; what has arrived is not sent again. Whoever runs the relay should give all its processes as many ports.',
  ),
  relay_silent: relay(
    'The relay accepted the connection but did not answer in time.',
    'Try again; if it stays silent, restart the relay or use another one.',
  ),
  not_a_relay: relay(
    'What answers at this address is not a Croc relay.',
    'Check the address and the port.',
  ),
  port_taken: relay(
    'Another program already listens on this port.',
    'Choose another port, or 0 for any free one.',
  ),
  cannot_listen: relay(
    'The relay cannot listen at this address.',
    'Choose an address that belongs to this machine.',
  ),
  store_unreachable: relay(
    'The relay cannot reach the store that its channels should be kept in.',
    'Check the address of the store, its password, and that it runs.',
  ),

  // Codes and key exchange.
  invalid_code: code(
    'This is not a code.',
    'A code is a number and three words, like 417-lunar-acorn-quilt.',
  ),
  croc_network: code(
    "This is a code of croc's own network, but this transfer goes through a relay of Croc.",
    "Put a number in front of it, or send over croc's network.",
  ),
  unsupported_curve: {
    phase: 'key-exchange',
    what: 'The curve of the key exchange is not one that Croc knows.',
    next: 'Use p256, p384, p521 or siec.',
  },
  key_exchange_failed: {
    phase: 'key-exchange',
    what: 'The other side sent something that is not part of a key exchange. It may be broken, or somebody interferes.',
    next: SEND_AGAIN,
  },
  wrong_code: code(
    'The code did not match: it was mistyped, or somebody guessed. Nothing was sent, and this code is now burnt.',
    'Sending again makes a new code.',
  ),

  // Waiting for people.
  nobody_came: {
    phase: 'connect',
    what: 'Nobody used the code in time.',
    next: 'Send again when the recipient is ready.',
  },
  peer_silent: {
    phase: 'connect',
    what: 'The other side has not been heard for too long.',
    next: 'Check that it still runs and is connected, then send again; what has arrived is not sent again.',
  },
  timed_out: {
    phase: 'connect',
    what: 'A step took too long.',
    next: 'Try again.',
  },
  cancelled: transfer('Cancelled.', 'Send again when you are ready.'),
  peer_cancelled: transfer('The other side cancelled the transfer.', SEND_AGAIN),
  refused: transfer('The recipient declined the offer.', 'Nothing was sent.'),

  // The data plane.
  connection_lost: transfer(
    'The connection broke before everything had arrived.',
    'Send again into the same folder: what has arrived is not sent again, and nothing incomplete has its final name.',
  ),
  tampered: transfer(
    'A record failed its authenticity check: it was changed, repeated, reordered or made with another key.',
    'Do not trust this connection; try again over another relay.',
  ),
  protocol_error: transfer(
    'The other side broke the rules of the protocol, so the transfer was stopped.',
    UPDATE,
  ),
  incompatible_version: transfer(
    'The two sides speak different versions of the protocol.',
    'Update the older side.',
  ),
  peer_failed: transfer('The other side could not go on.', 'See what it says there.'),
  limit_exceeded: {
    phase: 'offer',
    what: 'The offer is larger than what Croc accepts.',
    next: 'Send it in parts, or as an archive.',
  },

  // Files on the sending side.
  nothing_to_send: files('There is nothing to send.', 'Name at least one file or folder.'),
  file_not_found: files('A file to be sent does not exist.', 'Check its name and send again.'),
  file_unreadable: files(
    'A file to be sent cannot be read.',
    'Check its permissions, or leave it out, and send again.',
  ),
  file_changed: files(
    'A file changed while it was being sent, so what arrived would be neither the old nor the new one.',
    'Wait until nothing writes to it and send again.',
  ),
  unsupported_file: files(
    'Only files, folders and symbolic links can be sent.',
    'Leave out devices, pipes and sockets.',
  ),

  // Files on the receiving side.
  unsafe_path: files(
    'The sender offers a name that is not safe to write, so nothing was written.',
    'Do not accept files from this sender, or ask for the file under another name.',
  ),
  name_collision: files(
    'Two offered names would be the same file on some machines.',
    'Ask the sender to rename one of them.',
  ),
  disk_full: files('The disk is full.', 'Free some space and receive again.'),
  folder_not_writable: files(
    'The destination folder cannot be written to.',
    'Choose another folder or change its permissions.',
  ),
  folder_gone: files(
    'The destination folder does not exist, or vanished.',
    'Choose another folder and receive again.',
  ),
  target_in_the_way: files(
    'Something that is not a plain file or folder is in the way in the destination folder.',
    'Move it away or choose another folder.',
  ),
  write_failed: files('A file could not be written.', 'Check the disk and receive again.'),

  usage: { phase: 'usage', what: 'The command was not understood.', next: 'See --help.' },
  internal: {
    phase: 'internal',
    what: 'Something went wrong inside Croc.',
    next: 'Try again and report it if it stays.',
  },
} as const satisfies Record<string, ErrorEntry>;

/** A stable error code; the list in docs/errors.md is checked against this one. */
export type ErrorCode = keyof typeof ERRORS;

/** Tells whether `value` is a code from the closed list. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** What can be said beside the code. */
export interface CrocErrorOptions {
  /** One fact about this case (a path, a port, an address), never a secret. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** After how many seconds it may be tried again, when a relay said so. */
  readonly retryAfterSeconds?: number;
}

/** Every error that Croc throws or reports. */
export class CrocError extends Error {
  override readonly name = 'CrocError';
  readonly code: ErrorCode;
  readonly phase: ErrorPhase;
  readonly detail: string | undefined;
  /** After how many seconds it may be tried again; undefined: nobody said. */
  readonly retryAfterSeconds: number | undefined;

  /** @param code - from the closed list @param options - a fact about this case, and the cause */
  constructor(code: ErrorCode, options: CrocErrorOptions = {}) {
    const entry = ERRORS[code];
    const detail = options.detail === undefined ? '' : ` (${printable(options.detail)})`;
    super(`${entry.what}${detail} ${entry.next}`, { cause: options.cause });
    this.code = code;
    this.phase = entry.phase;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The plain data of this error, for a worker boundary or a JSON line. */
  toJSON(): { code: ErrorCode; message: string; detail?: string } {
    const plain = { code: this.code, message: this.message };
    return this.detail === undefined ? plain : { ...plain, detail: this.detail };
  }

  /** Takes whatever was thrown and gives a CrocError; unknown things become `fallback`. */
  static from(thrown: unknown, fallback: ErrorCode = 'internal'): CrocError {
    if (thrown instanceof CrocError) return thrown;
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return new CrocError(fallback, { detail, cause: thrown });
  }
}

/**
 * Makes a peer's text safe to show: control characters and direction marks become visible
 * escapes (terminal escapes in names, CVE-2023-43620).
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
