/**
 * What the server tells the page: types only, shared with the browser.
 *
 * N1  A quantity is exact: a number where a double holds it, otherwise its digits as text.
 * N2  No value is null: a patch is a JSON Merge Patch, where null means "gone".
 * N3  Names of members are only ever values, never keys.
 */
import type { PagePlan } from '../pipeline/page.ts'
import type { PageStatus } from '../runtime/status.ts'

/** A whole number: counts, or millionths of a currency unit. */
export type Quantity = number | string

/** Impressions, clicks, then each sum in millionths (G2 of `page.ts`). */
export type Values = readonly Quantity[]

/** Windows by their start, ms since the epoch. A window without anything is absent. */
export type WindowRows<Row> = Readonly<Record<string, Row>>

/** What is shown: windows from `startMs` to `endMs`. Both are 0 while nothing has been counted. */
export interface RangeData {
  readonly startMs: number
  readonly endMs: number
  /** Every window that ends here or earlier is final; 0 while none is. */
  readonly finalUpToMs: number
}

/**
 * Sums over the range, and those that a fair comparison needs: over as many complete windows (`complete`) and over as
 * many before them (`before`, absent until the view reaches back that far).
 */
export interface PeriodValues {
  readonly last: Values
  readonly complete?: Values
  readonly before?: Values
}

export interface TotalsData extends PeriodValues {
  readonly rows: WindowRows<Values>
}

/** One member of a dimension as a chart shows it. */
export interface ChartMember {
  readonly name: string
  /** Number of its colour, the same in all charts of its dimension. */
  readonly slot: number
}

export interface ChartData {
  readonly members: readonly ChartMember[]
  /** Whether each row ends with one more entry: everything that is not shown by name. */
  readonly hasOthers: boolean
  readonly rows: WindowRows<readonly Values[]>
}

export interface BoardRow extends PeriodValues {
  readonly name: string
  /** Number of its colour, for members that charts show. */
  readonly slot?: number
  /** Present where earlier windows of this member were given up: its sums are lower bounds. */
  readonly isAtLeast?: true
}

export interface BoardData {
  readonly rows: readonly BoardRow[]
  /** How many members there are. */
  readonly memberCount: number
  /** Whether there were more than the view keeps: `memberCount` is a lower bound. */
  readonly isCapped: boolean
  /** Everything that is not in `rows`; absent when there is nothing else. */
  readonly others?: Values
}

export interface PageData {
  readonly range: RangeData
  readonly totals: TotalsData
  /** By id of the chart. */
  readonly charts: Readonly<Record<string, ChartData>>
  /** By name of the dimension. */
  readonly boards: Readonly<Record<string, BoardData>>
}

/** Everything: the answer of `/api/page` and the first event of a stream. */
export interface SnapshotMessage {
  readonly page: PagePlan
  readonly data: PageData
  readonly status: PageStatus | null
}

/** What changed since the event before: a merge patch of `data`, absent when nothing did. */
export interface PatchMessage {
  readonly data?: object
  readonly status: PageStatus | null
}
