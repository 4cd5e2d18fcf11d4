/**
 * What may be asked of the tables of a plan: one query for one screen, answered from one snapshot (`view-answer.ts`).
 *
 * Y1  A query is plain data, complete and in one form: what a request leaves out, `check-view.ts` fills in. Equal
 *     questions are equal as JSON, so that they can be answered once.
 * Y2  Names in it are those of the plan (dimensions) and of `view-measures.ts` (measures).
 */
import type { TimeAxis } from '../pipeline/plan.ts'

/** The lengths of time one point of a chart may stand for. Days and weeks are those of the query's time zone. */
export const GRAINS = ['1m', '5m', '15m', '1h', '1d', '1w'] as const
export type Grain = (typeof GRAINS)[number]

/** `last` ends with the newest window that the tables hold; `fixed` is half-open. Milliseconds since the epoch. */
export type ViewRange =
  | { readonly kind: 'last'; readonly lengthMs: number }
  | { readonly kind: 'fixed'; readonly startMs: number; readonly endMs: number }

/**
 * What the range is compared with, of the same length: the time just before (`previous`), the same hours of the day or
 * the week before by the clock of the query's zone, or from `startMs` on.
 */
export type ViewComparison =
  | { readonly kind: 'none' }
  | { readonly kind: 'previous' }
  | { readonly kind: 'day' }
  | { readonly kind: 'week' }
  | { readonly kind: 'fixed'; readonly startMs: number }

/** Members of a dimension that count, or that do not. */
export interface ViewFilter {
  readonly dimension: string
  readonly mode: 'include' | 'exclude'
  /** At least one. */
  readonly members: readonly string[]
}

/** By what members are put in order: a measure, its change against the comparison, or its share of the whole. */
export interface Order {
  /** Name of a measure. */
  readonly by: string
  /** `share` is for measures that add up: counts and sums. */
  readonly of: 'value' | 'change' | 'share'
  readonly direction: 'desc' | 'asc'
}

/** One chart: the amounts of each bucket, of all or split by the members of a dimension. */
export interface SeriesPart {
  /** Name of a dimension; null draws the whole alone. */
  readonly split: string | null
  /** How many members are drawn for themselves; the others are one row more. 0 where `members` names them. */
  readonly top: number
  readonly orderBy: Order
  /** Members to draw whatever their order; empty leaves the choice to `top`. */
  readonly members: readonly string[]
  /** The axis of this chart, where it is not that of the query. */
  readonly axis: TimeAxis
}

/** One leaderboard: members of a dimension in order, a page of them at a time. */
export interface RankPart {
  readonly dimension: string
  readonly orderBy: Order
  /** 1 to {@link MAX_RANKED}. */
  readonly limit: number
  readonly offset: number
  /** Only members that contain this text, whatever the case of its letters. Empty for all. */
  readonly search: string
  /** Whether members that the filters of this very dimension leave out are listed as well. */
  readonly ignoreOwnFilter: boolean
}

/** Which events are looked at, and when: what all parts of a screen share. */
export interface ViewScope {
  readonly range: ViewRange
  /** The minute a counted click is put under. */
  readonly axis: TimeAxis
  /** An IANA name, such as `Europe/Berlin`. */
  readonly zone: string
  /** `auto` picks the finest that draws {@link AUTO_BUCKETS} points at most. */
  readonly grain: Grain | 'auto'
  /** All of them hold. One `include` and one `exclude` for each dimension at most. */
  readonly filters: readonly ViewFilter[]
  readonly comparison: ViewComparison
}

/** One screen. */
export interface ViewQuery extends ViewScope {
  readonly totals: boolean
  readonly series: readonly SeriesPart[]
  readonly ranks: readonly RankPart[]
}

/** What a caller writes: whatever is left out is filled in by `checkView`. */
export type ViewRequest = {
  readonly [Key in Exclude<keyof ViewQuery, 'series' | 'ranks'>]?: ViewQuery[Key]
} & {
  readonly series?: readonly (Partial<Omit<SeriesPart, 'orderBy'>> & { readonly orderBy?: Partial<Order> })[]
  readonly ranks?: readonly (Partial<Omit<RankPart, 'orderBy'>> & {
    readonly dimension: string
    readonly orderBy?: Partial<Order>
  })[]
}

/** Points that a grain chosen for the caller draws at most. */
export const AUTO_BUCKETS = 300
/** Points that any grain may draw. */
export const MAX_BUCKETS = 3_000
/** Members in one page of a leaderboard. */
export const MAX_RANKED = 1_000
/** Members a chart draws for themselves. */
export const MAX_SPLIT = 50
/** Charts of one query, and leaderboards of one query. */
export const MAX_PARTS = 16
/** Members one filter may name. */
export const MAX_FILTERED = 1_000
/** Characters of the members of all filters: a statement repeats them for each piece of its time. */
export const MAX_FILTER_CHARACTERS = 65_536
