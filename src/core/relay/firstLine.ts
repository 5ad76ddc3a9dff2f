/** Reads the first line of a lane and leaves everything after it on the socket. */
import type { Socket } from 'node:net';
import * as v from 'valibot';
import type { Clock } from '../edges.js';
import { CROC_MAGIC } from '../wire/crocFrame.js';
import { laneLineSchema, MAX_LANE_LINE_BYTES } from '../wire/http.js';
import type { LaneLine } from '../wire/http.js';

const LINE_FEED = 0x0a;

/** A first line, and the bytes that came along with it and belong to the stream. */
export interface FirstLine {
  readonly line: Buffer;
  readonly rest: Buffer;
}

/** The first bytes of a client that speaks croc's own protocol. */
export interface CrocHead {
  readonly croc: Buffer;
}

type First = FirstLine | CrocHead | 'too_large' | 'slow' | 'gone';

/**
 * Waits for the first line, or for the first bytes of a croc client.
 * @param limitMs - how long it may take
 * @returns the line without its end, or what a croc client sent, the socket paused; `too_large` when there is no line end in
 *   the first 512 bytes; `slow` when the time is up; `gone` when the socket ended before
 */
export function readFirstLine(socket: Socket, clock: Clock, limitMs: number): Promise<First> {
  return new Promise((resolve) => {
    let read = Buffer.alloc(0);
    const finish = (result: First): void => {
      cancelTimer();
      socket.pause();
      socket.off('data', onData).off('end', onGone).off('close', onGone);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      if (isCroc(read, chunk)) {
        finish({ croc: Buffer.concat([read, chunk]) });
        return;
      }
      // At most 512 bytes are copied, whatever the size of the chunk.
      const end = read.length + chunk.indexOf(LINE_FEED);
      if (chunk.includes(LINE_FEED) && end < MAX_LANE_LINE_BYTES) {
        const line = Buffer.concat([read, chunk.subarray(0, end - read.length)]);
        finish({ line, rest: chunk.subarray(end - read.length + 1) });
      } else if (read.length + chunk.length >= MAX_LANE_LINE_BYTES) finish('too_large');
      else read = Buffer.concat([read, chunk]);
    };
    const onGone = (): void => finish('gone');
    const cancelTimer = clock.after(limitMs, () => finish('slow'));
    socket.on('data', onData).once('end', onGone).once('close', onGone);
  });
}

/** Whether the bytes so far start as a frame of croc does; fewer bytes than that cannot tell yet. */
function isCroc(read: Buffer, chunk: Buffer): boolean {
  if (read.length >= CROC_MAGIC.length) return false;
  const start = Buffer.concat([read, chunk.subarray(0, CROC_MAGIC.length)]);
  return start.subarray(0, CROC_MAGIC.length).equals(CROC_MAGIC);
}

/** Reads a lane's first line from its JSON. @returns nothing when it is not one */
export function parseLaneLine(line: unknown): LaneLine | undefined {
  const parsed = v.safeParse(laneLineSchema, line);
  return parsed.success ? parsed.output : undefined;
}
