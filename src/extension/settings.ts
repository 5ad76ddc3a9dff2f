/** The only reader of configuration. */
import { homedir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import {
  CURVE_NAMES,
  isCrocRelay,
  parseCrocRelayAddress,
  parseMulticast,
  parseRelayAddress,
  type CurveName,
  type Multicast,
  type Network,
} from '../core/index.js';

const read = (key: string): unknown => vscode.workspace.getConfiguration('croc').get(key);

/** What can be left out of folders: nothing, what git ignores, or what the Explorer hides, too. */
export const IGNORE_CHOICES = ['none', 'gitignore', 'gitignoreAndExclude'] as const;
export type IgnoreChoice = (typeof IGNORE_CHOICES)[number];

/** What a person can set. Every getter reads anew, so a change counts for the next transfer. */
export const settings = {
  /**
   * The relay to use; undefined when none is set, so this window runs its own.
   * @throws CrocError `invalid_relay`
   */
  get relay(): string | undefined {
    const value = read('relay');
    if (typeof value !== 'string' || value.trim() === '' || isCrocRelay(value)) return undefined;
    return parseRelayAddress(value);
  },

  /**
   * The relay of the croc program to use, `croc://host:port`, when that is what is set.
   * @throws CrocError `invalid_relay`
   */
  get crocRelay(): string | undefined {
    const value = read('relay');
    return typeof value === 'string' && isCrocRelay(value)
      ? parseCrocRelayAddress(value)
      : undefined;
  },

  /**
   * Where to announce relays and to look for them; undefined when the person wants neither. The
   * environment's `CROC_MULTICAST` narrows it down, as on the command line.
   */
  get surroundings(): Multicast | undefined {
    if (read('discover') !== true) return undefined;
    const place = parseMulticast(process.env['CROC_MULTICAST'] ?? '');
    return place === 'nowhere' ? undefined : place;
  },

  /** Whether a relay is set, be it a good one or not. */
  get relayIsSet(): boolean {
    const value = read('relay');
    return typeof value === 'string' && value.trim() !== '';
  },

  /** Absolute folder offered first when receiving; `~` is the home folder; undefined when not set. */
  get downloadFolder(): string | undefined {
    const value = read('downloadFolder');
    if (typeof value !== 'string' || value.trim() === '') return undefined;
    const folder = value.trim().replace(/^~(?=$|[\\/])/, homedir());
    return path.isAbsolute(folder) ? folder : undefined;
  },

  /** Which way a send goes: through a relay of Croc's, or over the network of the croc program. */
  get network(): Network {
    const value = read('network');
    if (this.crocRelay !== undefined) return 'croc';
    if (value === 'auto') return this.relayIsSet ? 'relay' : 'croc';
    return value === 'croc' ? 'croc' : 'relay';
  },

  /** The curve of the key exchange for what is sent. */
  get curve(): CurveName {
    const value = read('curve');
    return CURVE_NAMES.find((name) => name === value) ?? 'p256';
  },

  /** What is left out of folders that are sent. */
  get ignore(): IgnoreChoice {
    const value = read('ignore');
    return IGNORE_CHOICES.find((choice) => choice === value) ?? 'none';
  },

  /** File bytes a second that a transfer may take; undefined for as fast as it goes. */
  get limit(): number | undefined {
    const value = read('limit');
    return typeof value === 'number' && value > 0 ? Math.max(1, value * 1e6) : undefined;
  },

  /** Whether a message tells when something was sent. */
  get tellsWhenSent(): boolean {
    return read('notifyWhenSent') !== false;
  },

  /** Sets that for the person, in every window. */
  async tellNoMoreWhenSent(): Promise<void> {
    await vscode.workspace
      .getConfiguration('croc')
      .update('notifyWhenSent', false, vscode.ConfigurationTarget.Global);
  },

  /** Opens the settings editor at one key, or at all of Croc's. */
  async open(key?: 'relay' | 'downloadFolder' | 'curve' | 'limit'): Promise<void> {
    await vscode.commands.executeCommand('workbench.action.openSettings', `croc.${key ?? ''}`);
  },
};
