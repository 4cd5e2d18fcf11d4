/**
 * The answer to one view query: everything in it is of one snapshot of the tables.
 *
 * Z1  Amounts are exact and add up; ratios are left to `view-measures.ts`, which makes them from amounts.
 * Z2  A number that may still change is said to: by `isFinal` beside it, and as a share in `asOf`.
 */
import type { Grain } from './view-query.ts'

/** What can be added up: counted impressions, counted clicks, and the exact sums of the plan. */
export interface Amounts {
  /** 0 on the click axis, which has none. */
  readonly impressions: number
  readonly clicks: number
  /** By name of the measure, with 6 decimals: `{"spend": "12.500000"}`. Empty on the click axis. */
  readonly sums: Readonly<Record<string, string>>
}

/** A half-open span, ms since the epoch. */
export interface Span {
  readonly startMs: number
  readonly endMs: number
}

/** How far the tables were when they were read. */
export interface AsOf {
  /** Null where no engine of ours writes: a Flink job, say. */
  readonly epoch: number | null
  /** Null where it is not known. */
  readonly watermarkMs: number | null
  /** Every window that ends here or earlier is final. */
  readonly finalUpToMs: number | null
  /** The share of the impressions in range (of the clicks on the click axis) that may still change: 0 to 1. */
  readonly provisionalShare: number
  readonly answeredAtMs: number
}

/** Sums over the whole range. */
export interface TotalsAnswer {
  readonly value: Amounts
  /** Null without a comparison. */
  readonly compared: Amounts | null
  /** One for each bucket; null where nothing was counted. */
  readonly sparkline: readonly (Amounts | null)[]
  /** The same of the compared time, moved onto the same buckets; null without a comparison. */
  readonly comparedSparkline: readonly (Amounts | null)[] | null
}

export interface SeriesAnswer {
  /** Names of the rows; null is the rest, or the whole where nothing is split. The rest comes last. */
  readonly members: readonly (string | null)[]
  /** One row for each member, one entry for each bucket; null where nothing was counted. */
  readonly rows: readonly (readonly (Amounts | null)[])[]
  /** The same of the compared time, moved onto the same buckets. */
  readonly comparedRows: readonly (readonly (Amounts | null)[])[] | null
  /** For each bucket, whether all of its windows are final. */
  readonly isFinal: readonly boolean[]
}

export interface RankedMember {
  readonly name: string
  readonly value: Amounts
  readonly compared: Amounts | null
  /** What `compared` is held against: the windows that are all read. Left out where that is `value`. */
  readonly complete?: Amounts
  readonly isFinal: boolean
}

export interface RankAnswer {
  readonly members: readonly RankedMember[]
  /** How many members there are that the search finds. */
  readonly memberCount: number
  /** Everything that is not in `members`; null where that is nothing. */
  readonly rest: Amounts | null
  /** All members together, what shares are of. */
  readonly whole: Amounts
}

export interface ViewAnswer {
  readonly asOf: AsOf
  readonly range: Span
  readonly comparison: Span | null
  readonly grain: Grain
  /** The start of each bucket. The first may begin before the range: it holds only what lies in the range. */
  readonly buckets: readonly number[]
  readonly totals: TotalsAnswer | null
  readonly series: readonly SeriesAnswer[]
  readonly ranks: readonly RankAnswer[]
  /** What psql would run for the same numbers, where it was asked for. */
  readonly sql?: readonly { readonly part: string; readonly text: string }[]
}
