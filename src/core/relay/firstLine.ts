/** Reads the first line of a lane and leaves everything after it on the socket. */
import type { Socket } from 'node:net';
import * as v from 'valibot';
import type { Clock } from '../edges.js';
import { laneLineSchema, MAX_LANE_LINE_BYTES } from '../wire/http.js';
import type { LaneLine } from '../wire/http.js';

const LINE_FEED = 0x0a;

/** A first line, and the bytes that came along with it and belong to the stream. */
export interface FirstLine {
  readonly line: Buffer;
  readonly rest: Buffer;
}

/**
 * Waits for the first line.
 * @param limitMs - how long it may take
 * @returns the line without its end, the socket paused; `too_large` when there is no line end in
 *   the first 512 bytes; `slow` when the time is up; `gone` when the socket ended before
 */
export function readFirstLine(
  socket: Socket,
  clock: Clock,
  limitMs: number,
): Promise<FirstLine | 'too_large' | 'slow' | 'gone'> {
  return new Promise((resolve) => {
    let read = Buffer.alloc(0);
    const finish = (result: FirstLine | 'too_large' | 'slow' | 'gone'): void => {
      cancelTimer();
      socket.pause();
      socket.off('data', onData).off('end', onGone).off('close', onGone);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
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

/** Reads a lane's first line from its JSON. @returns nothing when it is not one */
export function parseLaneLine(line: unknown): LaneLine | undefined {
  const parsed = v.safeParse(laneLineSchema, line);
  return parsed.success ? parsed.output : undefined;
}
