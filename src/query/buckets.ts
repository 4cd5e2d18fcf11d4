/**
 * The points of a chart: a span of time cut into buckets.
 *
 * K1  Buckets follow each other without a gap and cover the span; the first may begin before it.
 * K2  Days and weeks begin when the clock of the zone says so, whatever their length. Shorter buckets are all of one
 *     length, aligned to the clock as it stands at the beginning of the span.
 */
import { DAY_MS } from '../time/units.ts'
import { AUTO_BUCKETS, GRAINS, MAX_BUCKETS, type Grain } from './view-query.ts'
import { GRAIN_MS } from './check-view.ts'
import { clockOf, daysLater, dayStart, floorTo, weekStart } from './time-zone.ts'
import type { Span } from './view-answer.ts'
import { viewError } from './view-error.ts'

export interface Buckets {
  readonly grain: Grain
  readonly startsMs: readonly number[]
  /** Length of every bucket, or null where they differ. */
  readonly lengthMs: number | null
}

/**
 * Cuts a span.
 *
 * @throws TidemarkError VIEW_INVALID where a grain gives more points than anyone draws
 */
export function bucketsOf(span: Span, grain: Grain | 'auto', zone: string, windowSizeMs: number): Buckets {
  const chosen = grain === 'auto' ? autoGrain(span, windowSizeMs) : grain
  const lengthMs = span.endMs - span.startMs
  if (lengthMs / GRAIN_MS[chosen] > MAX_BUCKETS) {
    const allowed = GRAINS.filter((other) => lengthMs / GRAIN_MS[other] <= MAX_BUCKETS)
    throw viewError('grain', `would draw more than ${MAX_BUCKETS} points`, chosen, ['auto', ...allowed])
  }
  const startsMs = chosen === '1d' || chosen === '1w' ? byClock(span, chosen, zone) : evenly(span, chosen, zone)
  return { grain: chosen, startsMs, lengthMs: evenLength(startsMs, GRAIN_MS[chosen]) }
}

/** Where the bucket at `index` ends; the last one where the span does. */
export function bucketEnd(buckets: Buckets, index: number, span: Span): number {
  return Math.min(span.endMs, buckets.startsMs[index + 1] ?? span.endMs)
}

function autoGrain(span: Span, windowSizeMs: number): Grain {
  const fits = (grain: Grain): boolean =>
    GRAIN_MS[grain] >= windowSizeMs && (span.endMs - span.startMs) / GRAIN_MS[grain] <= AUTO_BUCKETS
  return GRAINS.find(fits) ?? '1w'
}

function evenly(span: Span, grain: Grain, zone: string): readonly number[] {
  const sizeMs = GRAIN_MS[grain]
  const offsetMs = clockOf(zone, span.startMs) - span.startMs
  const firstMs = floorTo(span.startMs + offsetMs, sizeMs) - offsetMs
  const count = Math.ceil((span.endMs - firstMs) / sizeMs)
  return Array.from({ length: count }, (_, index) => firstMs + index * sizeMs)
}

function byClock(span: Span, grain: '1d' | '1w', zone: string): readonly number[] {
  const starts = [grain === '1d' ? dayStart(zone, span.startMs) : weekStart(zone, span.startMs)]
  const days = grain === '1d' ? 1 : 7
  for (let next = nextDay(zone, starts[0] ?? 0, days); next < span.endMs; next = nextDay(zone, next, days))
    starts.push(next)
  return starts
}

// A day that the clock skips whole would begin where the one after it does.
function nextDay(zone: string, startMs: number, days: number): number {
  const next = dayStart(zone, daysLater(zone, startMs, days))
  return next > startMs ? next : startMs + days * DAY_MS
}

function evenLength(startsMs: readonly number[], sizeMs: number): number | null {
  const isEven = startsMs.every((startMs, index) => index === 0 || startMs - (startsMs[index - 1] ?? 0) === sizeMs)
  return isEven ? sizeMs : null
}
