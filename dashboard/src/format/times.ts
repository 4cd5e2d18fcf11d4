/**
 * Times as the page writes them, always in UTC, and lengths of time.
 */
import { THIN_SPACE } from './numbers.ts'

/** `14:32:07` */
export function formatClock(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 19)
}

/** `14:32` */
export function formatMinute(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 16)
}

/** `24 Nov` */
export function formatDay(timeMs: number): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(timeMs)
}

/** `24 Nov 2026` */
export function formatDate(timeMs: number): string {
  return `${formatDay(timeMs)} ${new Date(timeMs).getUTCFullYear()}`
}

/** A window by its start, to the second only where windows are that short: `14:32`. */
export function formatWindow(startMs: number, windowSizeMs: number): string {
  return windowSizeMs % 60_000 === 0 ? formatMinute(startMs) : formatClock(startMs)
}

/** `0.8 s`, `14 s`, `3 min 20 s`, `2 h 10 min`, `5 d 3 h` */
export function formatLength(lengthMs: number): string {
  const seconds = Math.max(0, lengthMs) / 1_000
  if (seconds < 9.95) return `${seconds.toFixed(1)}${THIN_SPACE}s`
  const s = Math.round(seconds)
  if (s < 60) return `${s}${THIN_SPACE}s`
  if (s < 3_600) return twoUnits(Math.floor(s / 60), 'min', s % 60, 's')
  if (s < 86_400) return twoUnits(Math.floor(s / 3_600), 'h', Math.floor((s % 3_600) / 60), 'min')
  return twoUnits(Math.floor(s / 86_400), 'd', Math.floor((s % 86_400) / 3_600), 'h')
}

/** The page's range in words: `last hour`, `last 12 h`. */
export function rangeInWords(rangeMs: number): string {
  return rangeMs === 3_600_000 ? 'last hour' : `last ${formatLength(rangeMs)}`
}

/** What came before the range, in words: `hour before`, `12 h before`. */
export function beforeInWords(rangeMs: number): string {
  return rangeMs === 3_600_000 ? 'hour before' : `${formatLength(rangeMs)} before`
}

/** What one window is called: `minute`, `hour`, `day`, or `window` where its length has no word. */
export function windowInWords(windowSizeMs: number): string {
  return { 60_000: 'minute', 3_600_000: 'hour', 86_400_000: 'day' }[windowSizeMs] ?? 'window'
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = `${large}${THIN_SPACE}${largeUnit}`
  return small === 0 ? first : `${first} ${small}${THIN_SPACE}${smallUnit}`
}
