/**
 * Time zones: what the clock of a place shows at a moment. Everything comes from the browser's own zone data.
 */

const QUARTER_MS = 900_000
const MOST_REMEMBERED = 5_000

const formats = new Map<string, Intl.DateTimeFormat>()
const offsets = new Map<string, number>()

/** How far local time is ahead of UTC at a moment, ms. Zones change on quarters of an hour only. */
export function zoneOffsetMs(timeMs: number, zone: string): number {
  if (zone === 'UTC') return 0
  const quarter = Math.floor(timeMs / QUARTER_MS)
  const key = `${zone} ${quarter}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  if (offsets.size > MOST_REMEMBERED) offsets.clear()
  const offset = measuredOffsetMs(quarter * QUARTER_MS, zone)
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
  const earlier = localMs - zoneOffsetMs(guess - 2 * 3_600_000, zone)
  if (earlier + zoneOffsetMs(earlier, zone) === localMs) return earlier
  return localMs - zoneOffsetMs(guess, zone)
}

/** Whether the browser knows a zone of this name. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/** A zone as people say it: `Europe/Berlin` is `Berlin`. */
export function zoneInWords(zone: string): string {
  return (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')
}

function measuredOffsetMs(timeMs: number, zone: string): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(timeMs)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return local - timeMs
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, made)
  return made
}
