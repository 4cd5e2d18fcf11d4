/**
 * From how long each click took to what a page says of it.
 */
import type { Plan } from '../../pipeline/plan.ts'
import type { ClickLagAnswer } from '../../query/raw-answer.ts'

export interface Lags extends Pick<ClickLagAnswer, 'epoch' | 'range' | 'elsewhere' | 'oneIn'> {
  /** One for each impression; Infinity where none came. */
  readonly lagsMs: readonly number[]
}

/** Each bucket of the histogram is so many times as long as the one before. */
const BUCKET_FACTOR = 1.5
const FIRST_BUCKET_MS = 100

/** The answer: a histogram over buckets that grow, and quantiles of the lags themselves. */
export function lagAnswer(plan: Plan, { epoch, range, elsewhere, oneIn, lagsMs }: Lags): ClickLagAnswer {
  const { attributionWindowMs, allowedLatenessMs } = plan.parameters
  const seenUpToMs = attributionWindowMs + allowedLatenessMs
  const lags = Float64Array.from(lagsMs.filter((lagMs) => lagMs !== Infinity)).sort()
  const lost = lags.filter((lagMs) => lagMs > attributionWindowMs).length
  return {
    epoch,
    range,
    elsewhere,
    oneIn,
    impressions: lagsMs.length,
    clicked: lags.length,
    buckets: bucketsOf(lags, seenUpToMs),
    medianMs: quantile(lags, 0.5),
    attributionWindowMs,
    lostShare: lags.length === 0 ? null : lost / lags.length,
    windowForOnePercentMs: quantile(lags, 0.99),
    seenUpToMs,
  }
}

function bucketsOf(lags: Float64Array, seenUpToMs: number): ClickLagAnswer['buckets'] {
  const edges = [-seenUpToMs, 0]
  for (let edge = FIRST_BUCKET_MS; edge < seenUpToMs; edge *= BUCKET_FACTOR) edges.push(Math.round(edge))
  edges.push(seenUpToMs + 1)
  return edges.slice(0, -1).map((fromMs, index) => {
    const toMs = edges[index + 1] ?? Infinity
    return { fromMs, toMs, clicks: lags.filter((lagMs) => lagMs >= fromMs && lagMs < toMs).length }
  })
}

/** The smallest value that so large a share is not above. */
function quantile(sorted: Float64Array, share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null
}
