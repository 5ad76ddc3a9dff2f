/** The words of the public API: plain data, shared by library, command line and extension. */
import type { SenderState, RecipientState } from './channel/states.js';

/** The curves of the key exchange; `p256` is the default. */
export const CURVE_NAMES = ['p256', 'p384', 'p521', 'siec'] as const;
export type CurveName = (typeof CURVE_NAMES)[number];

/** The two ends of a channel. */
export type Role = 'sender' | 'recipient';

/** The two kinds of text that can be offered. */
export const TEXT_KINDS = ['text', 'patch'] as const;
export type TextKind = (typeof TEXT_KINDS)[number];

/** What an offer holds: files and folders, or one text. */
export type OfferKind = 'files' | TextKind;

/** A text to send, alone. Nothing of it touches a disk. */
export interface TextItem {
  /** A patch may be given as bytes, for it holds lines of files in whatever encoding they have. */
  readonly text: string | Uint8Array;
  readonly kind: TextKind;
  /** A file name that says what it is, for example `main.ts`; one part, no folder. */
  readonly name?: string;
}

/** A file to send whose content is not on a disk. */
export interface MemoryFile {
  /** Its name in the offer; one part, no folder. */
  readonly name: string;
  /** Text is sent as UTF-8. */
  readonly content: Uint8Array | string;
}

/** Something to send: a path on this disk, a file in memory, or (alone) a text. */
export type SendItem = string | MemoryFile | TextItem;

/** Patterns of what is not to be sent, in the form of a `.gitignore`. */
export interface ExcludePatterns {
  /** Absolute folder that the patterns count from. */
  readonly base: string;
  readonly patterns: readonly string[];
}

/** What is left out of folders that are sent. What was named itself is always sent. */
export interface IgnoreOptions {
  /** Leave out what git ignores, and `.git` itself; default no. */
  readonly gitignore?: boolean;
  /** More patterns, for what lies below their base. */
  readonly exclude?: readonly ExcludePatterns[];
}

/** What is offered, and what is not. */
export interface Offered {
  readonly totals: Totals;
  readonly skipped: readonly Skipped[];
  /** Files and folders that the patterns left out; a folder counts once, whatever is in it. */
  readonly ignored: number;
}

/** One thing that is offered. */
export interface OfferEntry {
  /** Relative, with `/` between parts, Unicode as the sender's disk has it. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'symlink';
  /** Bytes of a file; 0 for everything else. */
  readonly size: number;
  /** Modification time, milliseconds since 1970. */
  readonly mtimeMs: number;
  /** Whether the owner may execute the file. */
  readonly executable: boolean;
  /** Where a symbolic link points, relative, with `/`; only for kind `symlink`. */
  readonly target?: string;
}

/** What a transfer holds, in numbers. */
export interface Totals {
  /** Files and symbolic links. */
  readonly files: number;
  readonly folders: number;
  /** Bytes of all files together. */
  readonly bytes: number;
}

/** How far a transfer is. At most ten a second are told. */
export interface Progress {
  /** File bytes that are there, of `total`. */
  readonly bytes: number;
  /** File bytes of everything that was accepted. */
  readonly total: number;
  /** File bytes that crossed the wire in this transfer. */
  readonly transferred: number;
  /** The path that moved last. */
  readonly path?: string;
  /** File bytes, of `bytes`, that the recipient had already: found by comparing, not sent again. */
  readonly resumed?: number;
  /** Files and links of what was accepted that are whole. */
  readonly filesDone?: number;
  /** Files and links of what was accepted. */
  readonly files?: number;
  /** The files under way, at most 4. */
  readonly active?: readonly ActiveFile[];
}

/** A file under way. */
export interface ActiveFile {
  readonly path: string;
  /** Bytes that are there. */
  readonly bytes: number;
  readonly size: number;
}

/** Whether the two sides still hear each other in the middle of a transfer. */
export interface Connection {
  readonly connected: boolean;
  /** While not connected: how long it is tried for, from now on, in milliseconds. */
  readonly giveUpInMs: number;
}

/** How a transfer ended well. */
export interface TransferResult {
  /** Files and symbolic links that are on the other disk. */
  readonly files: number;
  /** File bytes of those. */
  readonly bytes: number;
  /** File bytes that crossed the wire this time. */
  readonly transferred: number;
}

/** A file or link that got another name. */
export interface Renamed {
  /** Its path in the offer. */
  readonly offered: string;
  /** Absolute path on this disk. */
  readonly path: string;
}

/** How a receive ended well: also where things are. */
export interface ReceiveResult extends TransferResult {
  /** Absolute paths of the top-level files and folders as they are on this disk. */
  readonly roots: readonly string[];
  /** Files and links that got another name than the offered one, because that was taken; absent when none did. */
  readonly renamed?: readonly Renamed[];
}

/** What taking back a receive did. */
export interface UndoResult {
  /** Files and links that were removed, because they replaced nothing. */
  readonly removed: number;
  /** Files and links that were replaced and are back. */
  readonly restored: number;
  /** Absolute paths that stay as they are: changed since, or what they replaced could not be kept. */
  readonly left: readonly string[];
}

/** What to do with a file that is already there. */
export type ConflictChoice = 'overwrite' | 'rename' | 'skip';

/** A file that is already there. */
export interface Conflict {
  readonly entry: OfferEntry;
  /** Absolute path of what is there. */
  readonly existing: string;
  readonly existingSize: number;
  readonly existingMtimeMs: number;
}

/** How to take an offer. */
export interface AcceptOptions {
  /** Folder to write into; it must exist. Needed unless the offer is a text. */
  readonly to?: string;
  /**
   * Bytes of file data a second to take at most, as they are on the wire; default: as fast as it goes. Not over croc's
   * own network.
   */
  readonly limit?: number;
  /** Which entries, as indices into `offer.entries`; all when absent. Folders above them come along. */
  readonly only?: readonly number[];
  /** One choice for all, or one asked for each; default `rename`, which loses nothing. */
  readonly onConflict?: ConflictChoice | ((conflict: Conflict) => Promise<ConflictChoice>);
  /**
   * Keep what is overwritten, in a folder `.croc-undo-…` in `to`, until `Undo.run` or `Undo.discard`;
   * default no.
   */
  readonly undo?: boolean;
}

/** Where relays are announced and looked for; everything has a default. */
export interface Multicast {
  /** IPv4 address of the one interface to use; default: every one that is not loopback. */
  readonly interfaceAddress?: string;
  /** UDP port; default 5353. Another one finds only relays that are told to use it, too. */
  readonly port?: number;
}

/** Something that was found while walking and is not sent. */
export interface Skipped {
  readonly path: string;
  readonly reason: 'special-file' | 'link-leaves-folder' | 'unsendable-name';
}

/** Events of a running transfer. */
export interface TransferEvents<State extends string> {
  state: [state: State];
  progress: [progress: Progress];
  /** The connection was lost, or is back. */
  connection: [connection: Connection];
}

/** Events of a send. */
export interface SendEvents extends TransferEvents<SenderState> {
  /** The walk is over: this is what is offered, and what is not. */
  offered: [totals: Totals, skipped: readonly Skipped[], ignored: number];
}

/** Events of a receive after it was accepted. */
export type ReceiveEvents = TransferEvents<RecipientState>;
