/**
 * Tumbling windows: half-open `[start, start + size)`, aligned to the epoch, in UTC.
 */

/** The start of the window that holds `timeMs`; all are milliseconds since the epoch. */
export function windowStartOf(timeMs: number, windowSizeMs: number): number {
  return Math.floor(timeMs / windowSizeMs) * windowSizeMs
}

/** First millisecond of the year 2000: no event may be earlier. */
export const MIN_EVENT_TIME_MS = 946_684_800_000

/** First millisecond of the year 2101: every event must be earlier. */
export const END_EVENT_TIME_MS = 4_133_980_800_000
