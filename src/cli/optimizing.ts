/**
 * When V8 optimizes, and when it tidies up. A transfer of a second is over before its code has become faster, and
 * the compiler's threads take the processors that sender, relay and recipient share; a longer one is better off with
 * them. An offer of ten thousand files is no garbage either, and looking through it takes some milliseconds that
 * sender and recipient would both wait for.
 */
import { setFlagsFromString } from 'node:v8';

/** How much a function has run before V8 looks whether to optimize it, in bytes of bytecode: V8's own, and later. */
const BUDGET = { usual: 67_584, late: 1_350_000 };
/** How long data has flowed before functions are optimized as usual, milliseconds. */
const LATE_MS = 1000;

/** Before a thread holds so much, what lives long is not looked through for garbage, MiB; V8 begins with less than 20. */
const UNTIDY_MIB = 32;

/** The version of V8 that this was measured with, that of Node 20. Later ones do not have all of it, and complain to the person. */
const MEASURED = 11;

/** Puts off what would be optimized, and in threads that start from now on what would be tidied up. */
export function optimizeLater(): void {
  set('--interrupt-budget', BUDGET.late);
  set('--initial-old-space-size', UNTIDY_MIB);
}

/** Data begins to flow: soon it is worth it. */
export function optimizeSoon(): void {
  setTimeout(() => set('--interrupt-budget', BUDGET.usual), LATE_MS).unref();
}

function set(setting: string, value: number): void {
  const version = Number.parseInt(process.versions.v8, 10);
  if (version === MEASURED) setFlagsFromString(`${setting}=${value}`);
}
