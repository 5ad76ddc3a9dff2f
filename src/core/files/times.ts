/** Modification times: whole milliseconds on the wire, the system's own units on the disk. */

/**
 * The time to hand to the system so that it reads back as the same whole millisecond.
 *
 * The system takes seconds as a double and cuts off what does not fit its unit, which would make
 * .123 s a .122999 s. A microsecond more is below what is kept and above what is cut.
 *
 * @param mtimeMs - milliseconds since 1970
 * @returns seconds since 1970
 */
export function onDiskTime(mtimeMs: number): number {
  return (Math.floor(mtimeMs) + 0.001) / 1000;
}
