/** Giving the memory of large buffers back at once, instead of when the garbage collector comes by. */
import { MessageChannel } from 'node:worker_threads';

/** Smaller buffers are not worth a call, and may lie in memory that others share. */
const WORTH_BYTES = 32 * 1024;

/** A port whose other end is closed: what is transferred to it is freed at once. */
const nowhere = (() => {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
})();

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
