/**
 * Clocks of the world: what a clock in a zone shows, and when it shows it. Days and weeks of a zone begin by its own
 * clock, also where that is put forward or back.
 *
 * T1  `instantOf` is the first instant at which the clock shows a given time or, where it skips it, a later one.
 */
import { DAY_MS } from '../time/units.ts'

const formats = new Map<string, Intl.DateTimeFormat>()

/** Whether this is the name of a zone. Offsets such as `+02:00` are none. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}

/** What a clock in the zone shows, as if it were UTC: ms. */
export function clockOf(zone: string, instantMs: number): number {
  if (zone === 'UTC') return instantMs
  const parts = new Map(
    formatOf(zone)
      .formatToParts(instantMs)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const at = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
  const seconds = Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'))
  return seconds + (((instantMs % 1_000) + 1_000) % 1_000)
}

/** The first instant at which a clock in the zone shows this or a later time (T1). */
export function instantOf(zone: string, clockMs: number): number {
  if (zone === 'UTC') return clockMs
  // Offsets change by hours at most and not twice within two days, so one of these two is the offset at that time.
  const offsets = [clockMs - DAY_MS, clockMs + DAY_MS].map((near) => clockOf(zone, near) - near)
  const candidates = offsets.map((offset) => clockMs - offset).filter((instant) => clockOf(zone, instant) === clockMs)
  if (candidates.length > 0) return Math.min(...candidates)
  // The clock skips that time: it jumps between the two candidates.
  let [before, after] = [clockMs - Math.max(...offsets), clockMs - Math.min(...offsets)]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (clockOf(zone, middle) < clockMs) before = middle
    else after = middle
  }
  return after
}

/** The first instant of the local day that holds `instantMs`. */
export function dayStart(zone: string, instantMs: number): number {
  return instantOf(zone, floorTo(clockOf(zone, instantMs), DAY_MS))
}

/** The first instant of the local week, which begins on Monday. */
export function weekStart(zone: string, instantMs: number): number {
  // 1970-01-05 was a Monday.
  const mondayMs = 4 * DAY_MS
  return instantOf(zone, floorTo(clockOf(zone, instantMs) - mondayMs, 7 * DAY_MS) + mondayMs)
}

/** The instant whose clock shows the same, so many days away. */
export function daysLater(zone: string, instantMs: number, days: number): number {
  return instantOf(zone, clockOf(zone, instantMs) + days * DAY_MS)
}

export function floorTo(value: number, size: number): number {
  return Math.floor(value / size) * size
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  if (formats.size >= 64) formats.clear()
  formats.set(zone, format)
  return format
}
