/**
 * The curve of click lag: which share of the clicks had come after which time, on an axis that gives every order of
 * magnitude the same room.
 */
import type { ClickLagAnswer } from '../../../src/query/raw-answer.ts'
import { formatLength } from '../format/times.ts'

/** What happens sooner is one and the same. */
const LEAST_MS = 250

export interface LagCurve {
  /** From left to right, both between 0 and 1. */
  readonly points: readonly { readonly x: number; readonly y: number }[]
  readonly xOf: (lagMs: number) => number
}

/** The points of the curve. */
export function lagCurve({ buckets, seenUpToMs }: ClickLagAnswer): LagCurve {
  const width = Math.log(Math.max(seenUpToMs, 2 * LEAST_MS) / LEAST_MS)
  const xOf = (lagMs: number): number => Math.min(1, Math.log(Math.max(lagMs, LEAST_MS) / LEAST_MS) / width)
  const all = buckets.reduce((sum, { clicks }) => sum + clicks, 0)
  let seen = 0
  const points = buckets.map(({ toMs, clicks }) => {
    seen += clicks
    return { x: xOf(toMs), y: all === 0 ? 0 : seen / all }
  })
  return { points: [{ x: 0, y: 0 }, ...points], xOf }
}

/** Five times along the axis, evenly spaced. */
export function lagTicks({ seenUpToMs }: ClickLagAnswer): readonly string[] {
  const most = Math.max(seenUpToMs, 2 * LEAST_MS)
  return [0, 0.25, 0.5, 0.75, 1].map((share) => formatLength(LEAST_MS * (most / LEAST_MS) ** share))
}
