/**
 * Durations as people write them: `96h`, `30m`, `5s`, `250ms`. Inside, every duration is a whole number of
 * milliseconds.
 */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The longest duration accepted: 366 days. */
export const MAX_DURATION_MS: number = 366 * 86_400_000

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
