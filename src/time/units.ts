/**
 * Lengths of time in milliseconds, by their names.
 */

export const SECOND_MS = 1_000

export const MINUTE_MS = 60_000

export const HOUR_MS = 3_600_000

/** A day of 24 hours, as of UTC: one of a time zone may be an hour longer or shorter. */
export const DAY_MS = 86_400_000
