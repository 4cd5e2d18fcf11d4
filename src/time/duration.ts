/**
 * Durations as people write them: `96h`, `30m`, `5s`, `250ms`. Inside, every duration is a whole number of
 * milliseconds.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './units.ts'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS }

/** The longest duration accepted: 366 days. */
export const MAX_DURATION_MS: number = 366 * DAY_MS

/** How a duration may be written, for messages. */
export const DURATION_FORM = 'a whole number and a unit of ms, s, m, h or d, such as 30m or 250ms, up to 366d'

/**
 * Reads a duration.
 *
 * @returns milliseconds, or `undefined` when the text is not a duration or is longer than {@link MAX_DURATION_MS}
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text.trim())
  if (match === null) return undefined
  const durationMs = Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? NaN)
  return durationMs <= MAX_DURATION_MS ? durationMs : undefined
}

/** Writes a duration in the largest unit that keeps it whole: 1800000 is `30m`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's']) {
    const unitMs = UNIT_MS[unit] ?? 1
    if (durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`
  }
  return `${durationMs}ms`
}
