/** A slow, lossy link between two network namespaces of this machine (test/support/link.py). */
import path from 'node:path';
import type { Place } from './contestants.js';
import { Child, has } from './processes.js';

const PROGRAM = path.resolve(import.meta.dirname, '../support/link.py');

/** What the link is like. */
export interface LinkOptions {
  readonly mbit: number;
  /** Round trip, milliseconds. */
  readonly delayMs: number;
  /** Of the packets of each direction. */
  readonly lossPercent: number;
  /** TCP's way to find its speed, as the kernel names it. */
  readonly congestionControl: string;
}

/** A link that is up. */
export interface Link {
  /** The sender on one end; relay, servers and recipient on the other. */
  readonly place: Place;
  close(): Promise<void>;
}

/** Sets a link up. @returns one sentence when this machine cannot */
export async function openLink(options: LinkOptions): Promise<Link | string> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'A slow link needs Linux and root.';
  if (!has('ip') || !has('python3')) return 'A slow link needs ip and python3.';
  const names = ['near', 'far'].map((end) => `croc-bench-${process.pid}-${end}`);
  const [near = '', far = ''] = names;
  const link = new Child([
    'python3',
    PROGRAM,
    ...names,
    String(options.mbit),
    String(options.delayMs),
    String(options.lossPercent),
    options.congestionControl,
  ]);
  try {
    const host = await link.says(/ready (\S+)/);
    const enter = (name: string): string[] => ['ip', 'netns', 'exec', name];
    return {
      place: { sender: enter(near), recipient: enter(far), host },
      close: async () => {
        link.closeInput();
        await link.ended;
      },
    };
  } catch (error) {
    return `No slow link with ${options.congestionControl}: ${String(error).slice(0, 300)}`;
  }
}
