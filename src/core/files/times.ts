/** Modification times: milliseconds with fractions on the wire, the system's own units on the disk. */

/**
 * The time to hand to the system so that it reads back as the nearest microsecond.
 *
 * The system takes seconds as a double and cuts off what is below a microsecond, which would make
 * .123 s a .122999 s. Half a microsecond more turns cutting into rounding.
 *
 * A time before 1970 is handed over as text, because Node takes a negative number for *now*.
 *
 * @param mtimeMs - milliseconds since 1970
 * @returns seconds since 1970
 */
export function onDiskTime(mtimeMs: number): string | number {
  const seconds = (mtimeMs + 0.0005) / 1000;
  return seconds < 0 ? String(seconds) : seconds;
}
