/** Numbers as people read them. Pure: the language comes in, sentences are made elsewhere (texts.ts). */

// The units of the command line too, so that both show the same number.
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/**
 * @param bytes - 0 or more
 * @param locale - BCP 47 tag for the decimal mark
 * @returns with one decimal below ten, like `1.5 MiB`, `17 MiB` or `999 B`
 */
export function formatBytes(bytes: number, locale = 'en'): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 1023.5 would round to 1024, so it already belongs to the next unit.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const decimals = unit > 0 && value < 9.95 ? 1 : 0;
  const digits = new Intl.NumberFormat(locale, {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    useGrouping: false,
  });
  return `${digits.format(value)} ${UNITS[unit] ?? 'B'}`;
}

/** @param bytesPerSecond - 0 or more @returns like `12 MiB/s` */
export function formatRate(bytesPerSecond: number, locale = 'en'): string {
  return `${formatBytes(bytesPerSecond, locale)}/s`;
}

/** A duration rounded to the unit a person would say. */
export interface RoughDuration {
  readonly value: number;
  readonly unit: 'seconds' | 'minutes' | 'hours';
}

/** @param seconds - 0 or more @returns seconds up to 90, minutes up to 90, then hours; never 0 */
export function roughDuration(seconds: number): RoughDuration {
  if (seconds < 89.5) return { value: Math.max(1, Math.round(seconds)), unit: 'seconds' };
  if (seconds < 89.5 * 60) return { value: Math.round(seconds / 60), unit: 'minutes' };
  return { value: Math.round(seconds / 3600), unit: 'hours' };
}

/**
 * @param bytes - how many are there @param total - of how many
 * @returns whole percent, 0 to 100; 100 only when everything is there; an empty transfer is 100
 */
export function percentOf(bytes: number, total: number): number {
  if (total <= 0 || bytes >= total) return 100;
  return Math.max(0, Math.min(99, Math.floor((bytes / total) * 100)));
}
