/**
 * Times as the page writes them, in the zone that was chosen, and lengths of time.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { THIN_SPACE } from './numbers.ts'
import { toLocal } from './zones.ts'

// Made once: each status and each mark on an axis writes a day.
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** `14:32:07` */
export function formatClock(timeMs: number, zone: string = 'UTC'): string {
  return toLocal(timeMs, zone).toISOString().slice(11, 19)
}

/** `14:32` */
export function formatMinute(timeMs: number, zone: string = 'UTC'): string {
  return toLocal(timeMs, zone).toISOString().slice(11, 16)
}

/** `24 Nov` */
export function formatDay(timeMs: number, zone: string = 'UTC'): string {
  return DAY.format(toLocal(timeMs, zone))
}

/** `24 Nov 2026` */
export function formatDate(timeMs: number, zone: string = 'UTC'): string {
  return `${formatDay(timeMs, zone)} ${toLocal(timeMs, zone).getUTCFullYear()}`
}

/** `24 Nov, 14:32` */
export function formatMoment(timeMs: number, zone: string = 'UTC'): string {
  return `${formatDay(timeMs, zone)}, ${formatMinute(timeMs, zone)}`
}

/** A window by its start, as short as its length allows: `14:32`, `14:32:10`, `24 Nov`. */
export function formatWindow(startMs: number, windowSizeMs: number, zone: string = 'UTC'): string {
  if (windowSizeMs % DAY_MS === 0) return formatDay(startMs, zone)
  return windowSizeMs % MINUTE_MS === 0 ? formatMinute(startMs, zone) : formatClock(startMs, zone)
}

/** A window by its start with its day, where a range is longer than one. */
export function formatWindowOf(startMs: number, windowSizeMs: number, zone: string, rangeMs: number): string {
  const text = formatWindow(startMs, windowSizeMs, zone)
  return rangeMs > DAY_MS && windowSizeMs < DAY_MS ? `${formatDay(startMs, zone)}, ${text}` : text
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

/** The same of a length that somebody set, `5 min` or `7 s`: without a zero behind the point. */
export function formatWhole(lengthMs: number): string {
  return formatLength(lengthMs).replace('.0', '')
}

/** The same in its largest unit alone, for columns: `9.1 s`, `14 min`, `3 h`. */
export function formatRough(lengthMs: number): string {
  const text = formatLength(lengthMs)
  return text.split(' ')[0] ?? text
}

/** The page's range in words: `last hour`, `last 12 h`. */
export function rangeInWords(rangeMs: number): string {
  return rangeMs === HOUR_MS ? 'last hour' : `last ${formatLength(rangeMs)}`
}

/** What came before the range, in words: `hour before`, `12 h before`. */
export function beforeInWords(rangeMs: number): string {
  return rangeMs === HOUR_MS ? 'hour before' : `${formatLength(rangeMs)} before`
}

/** What one window is called: `minute`, `hour`, `day`, or `window` where its length has no word. */
export function windowInWords(windowSizeMs: number): string {
  const word = { [MINUTE_MS]: 'minute', [HOUR_MS]: 'hour', [DAY_MS]: 'day', [7 * DAY_MS]: 'week' }[windowSizeMs]
  if (word !== undefined) return word
  return windowSizeMs % MINUTE_MS === 0 && windowSizeMs < HOUR_MS ? `${windowSizeMs / MINUTE_MS} minutes` : 'window'
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = `${large}${THIN_SPACE}${largeUnit}`
  return small === 0 ? first : `${first} ${small}${THIN_SPACE}${smallUnit}`
}
