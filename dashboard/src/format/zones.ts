/**
 * Time zones as the page needs them: asked for every point of every chart, so what was asked before is remembered.
 */
import { clockOf } from '../../../src/query/time-zone.ts'
import { HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'

const QUARTER_MS = 15 * MINUTE_MS
const MAX_REMEMBERED = 5_000

const offsets = new Map<string, number>()

/** How far local time is ahead of UTC at a moment, ms. Zones change on quarters of an hour only. */
function zoneOffsetMs(timeMs: number, zone: string): number {
  if (zone === 'UTC') return 0
  const quarter = Math.floor(timeMs / QUARTER_MS)
  const key = `${zone} ${quarter}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  if (offsets.size > MAX_REMEMBERED) offsets.clear()
  const offset = clockOf(zone, quarter * QUARTER_MS) - quarter * QUARTER_MS
  offsets.set(key, offset)
  return offset
}

/** Local time as if it were UTC: its ISO text is what the clock of the place shows. */
export function toLocal(timeMs: number, zone: string): Date {
  return new Date(timeMs + zoneOffsetMs(timeMs, zone))
}

/** The moment at which the clock of the place shows `localMs`; of two the earlier, of none the one after the gap. */
export function fromLocalMs(localMs: number, zone: string): number {
  const guess = localMs - zoneOffsetMs(localMs, zone)
  const earlier = localMs - zoneOffsetMs(guess - 2 * HOUR_MS, zone)
  if (earlier + zoneOffsetMs(earlier, zone) === localMs) return earlier
  return localMs - zoneOffsetMs(guess, zone)
}

/** A zone as people say it: `Europe/Berlin` is `Berlin`. */
export function zoneInWords(zone: string): string {
  return (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')
}
