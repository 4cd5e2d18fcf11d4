/**
 * The curve of click lag: which share of the clicks had come after which time, on an axis that gives every order of
 * magnitude the same room.
 */
import type { ClickLagAnswer } from '../../../src/query/raw-answer.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { formatWhole } from '../format/times.ts'

/** What happens sooner is one and the same. */
const MIN_MS = 250

export interface LagCurve {
  /** From left to right, both between 0 and 1. */
  readonly points: readonly { readonly x: number; readonly y: number }[]
  readonly xOf: (lagMs: number) => number
}

/** The points of the curve. */
export function lagCurve({ buckets, seenUpToMs }: ClickLagAnswer): LagCurve {
  const width = Math.log(Math.max(seenUpToMs, 2 * MIN_MS) / MIN_MS)
  const xOf = (lagMs: number): number => Math.min(1, Math.log(Math.max(lagMs, MIN_MS) / MIN_MS) / width)
  const all = buckets.reduce((sum, { clicks }) => sum + clicks, 0)
  let seen = 0
  const points = buckets.map(({ toMs, clicks }) => {
    seen += clicks
    return { x: xOf(toMs), y: all === 0 ? 0 : seen / all }
  })
  return { points: [{ x: 0, y: 0 }, ...points], xOf }
}

const TICKS_MS = [1_000, 10_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS]
/** Ticks further right than this would stand beyond the end. */
const LAST_TICK = 0.93

/** Round times along the axis, each where it is: 0 to 1. */
export function lagTicks(answer: ClickLagAnswer): readonly { readonly text: string; readonly x: number }[] {
  const { xOf } = lagCurve(answer)
  return TICKS_MS.map((lagMs) => ({ text: formatWhole(lagMs), x: xOf(lagMs) })).filter(({ x }) => x <= LAST_TICK)
}
