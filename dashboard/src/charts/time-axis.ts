/**
 * Where the time axis has its ticks: at round times of the chosen zone, as many as fit.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../src/time/units.ts'
import { formatClock, formatDay, formatMinute } from '../format/times.ts'
import { fromLocalMs, toLocal } from '../format/zones.ts'

const STEPS_MS: readonly number[] = [
  ...[1, 5, 10, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 7, 14, 30].map((n) => n * DAY_MS),
]

/** Ticks from `startMs` to `endMs`, at most `maxTicks` of them. */
export function timeTicks(startMs: number, endMs: number, maxTicks: number, zone: string = 'UTC'): readonly number[] {
  const fits = (stepMs: number): boolean => (endMs - startMs) / stepMs <= Math.max(1, maxTicks)
  const stepMs = STEPS_MS.find(fits) ?? endMs - startMs
  const first = Math.ceil(toLocal(startMs, zone).getTime() / stepMs) * stepMs
  const ticks: number[] = []
  for (let local = first; local <= first + (endMs - startMs) + HOUR_MS; local += stepMs) {
    const tick = fromLocalMs(local, zone)
    if (tick >= startMs && tick <= endMs && tick !== ticks.at(-1)) ticks.push(tick)
  }
  return ticks
}

/** A tick's text: the day at midnight, seconds only where ticks are that near. */
export function tickText(tickMs: number, ticks: readonly number[], zone: string = 'UTC'): string {
  const stepMs = (ticks[1] ?? Infinity) - (ticks[0] ?? 0)
  if (toLocal(tickMs, zone).getTime() % DAY_MS === 0) return formatDay(tickMs, zone)
  return stepMs < MINUTE_MS ? formatClock(tickMs, zone) : formatMinute(tickMs, zone)
}
