/** Giving the memory of large buffers back at once, instead of when the garbage collector comes by. */
import { MessageChannel } from 'node:worker_threads';

/** Smaller buffers are not worth a call, and may lie in memory that others share. */
const WORTH_BYTES = 32 * 1024;

/**
 * Freed below this, as the GNU C library has it, memory stays with the process: half of it is the largest
 * buffer that makes the library learn so, and it learns at most 32 MiB.
 */
const LEARNT_BYTES = 16 * 1024 * 1024;

/** A port whose other end is closed: what is transferred to it is freed at once. */
const nowhere = (() => {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
})();

/**
 * Lets this process keep the memory that `release` frees, at most 32 MiB of it at the end of each heap.
 *
 * The GNU C library gives the end of a heap back to the system as soon as some hundred KiB are free
 * there, and the system then maps and clears each page of the next buffer anew: a third of a sender's time in
 * the kernel. It adapts to what a program does: once a large buffer was freed, it keeps twice as much. The
 * buffer is never touched, so it costs an address and no memory. Elsewhere this does nothing.
 */
export function keepFreedMemory(): void {
  release(Buffer.allocUnsafeSlow(LEARNT_BYTES));
}

/**
 * Frees the memory behind `bytes`, which is empty afterwards, and so is everything that shares it. The
 * next buffer of that size gets the same memory, which is still in the processor's cache; otherwise
 * tens of megabytes of garbage pass through the cache, and the system maps and clears every page anew.
 *
 * @param bytes - nobody uses it any more; small buffers and parts of larger ones are left alone
 */
export function release(bytes: Uint8Array): void {
  const { buffer, length } = bytes;
  const whole = buffer instanceof ArrayBuffer && buffer.byteLength === length;
  if (whole && length >= WORTH_BYTES) nowhere.postMessage(undefined, [buffer]);
}
