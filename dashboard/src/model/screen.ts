/**
 * What the page shows, whichever way the numbers came: from the tables, as an answer to what was asked, or from the
 * server's memory, which knows the last hours only and no filters.
 */
import type { BoardPlan, PageMeasure, PagePlan, QuantityMeasure, RatioMeasure } from '../../../src/pipeline/page.ts'
import type { BoardRow, PageData, PeriodValues, Values } from '../../../src/server/page-data.ts'
import { chartModel, type ChartModel } from './chart-model.ts'

/** What stands in the columns of a leaderboard. */
export interface BoardColumns {
  /** What the bars show. */
  readonly value: QuantityMeasure
  /** A ratio, or the share that a member has of the whole. */
  readonly second: RatioMeasure | 'share'
  readonly changeOf: PageMeasure
}

export interface BoardModelRow extends BoardRow {
  /** Whether every part of it is final; undefined where that is not known. */
  readonly isFinal?: boolean
}

export interface BoardModel {
  readonly plan: BoardPlan
  readonly columns: BoardColumns
  readonly rows: readonly BoardModelRow[]
  readonly memberCount: number
  readonly isCapped: boolean
  readonly others?: Values
  /** All members together; what shares are of. */
  readonly whole: Values
  readonly isCharted: boolean
}

export interface TotalsModel extends PeriodValues {
  /** One for each window of the range, without the newest while it fills. */
  readonly spark: readonly (Values | undefined)[]
}

export interface SqlPart {
  readonly part: string
  readonly text: string
}

export interface Screen {
  /** `tables`: an answer of PostgreSQL, with everything that can be asked; `memory`: the live feed. */
  readonly source: 'tables' | 'memory'
  readonly startMs: number
  readonly endMs: number
  readonly zone: string
  readonly compared: { readonly startMs: number; readonly endMs: number } | null
  /** The share of it that may still change, 0 to 1; null where that is not known. */
  readonly provisionalShare: number | null
  /** Every window that ends here or earlier is final, ms; null where none is known to be. */
  readonly finalUpToMs: number | null
  readonly totals: TotalsModel
  readonly charts: readonly ChartModel[]
  /** How many members the dimension of each chart has. */
  readonly boards: readonly BoardModel[]
}

/** The live feed as a screen. */
export function screenOfFeed(page: PagePlan, data: PageData): Screen {
  const { startMs, endMs, finalUpToMs } = data.range
  const charts = page.charts.flatMap((plan) => {
    const chart = data.charts[plan.id]
    return chart === undefined || endMs === 0 ? [] : [chartModel(page, plan, chart, data.range)]
  })
  return {
    source: 'memory',
    startMs,
    endMs,
    zone: 'UTC',
    compared: null,
    provisionalShare: finalUpToMs >= endMs ? 0 : null,
    finalUpToMs,
    totals: { ...data.totals, spark: feedSpark(page, data) },
    charts,
    boards: page.boards.flatMap((plan) => {
      const rows = data.boards[plan.dimension.name]
      if (rows === undefined) return []
      const columns = { value: plan.value, second: plan.ratio ?? 'share', changeOf: plan.ratio ?? plan.value } as const
      return [{ plan, columns, whole: data.totals.last, isCharted: isCharted(page, plan), ...rows }]
    }),
  }
}

/** Whether some chart shows members of the leaderboard's dimension. */
export function isCharted({ charts }: PagePlan, { dimension }: BoardPlan): boolean {
  return charts.some((chart) => chart.dimension?.name === dimension.name)
}

function feedSpark({ windowSizeMs }: PagePlan, { range, totals }: PageData): (Values | undefined)[] {
  const count = Math.max(0, (range.endMs - range.startMs) / windowSizeMs - 1)
  return Array.from({ length: count }, (_, index) => totals.rows[range.startMs + index * windowSizeMs])
}
