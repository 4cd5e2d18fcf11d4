/**
 * What the dashboard shows of a plan, before any of it is in Superset's words: the page's charts over the plan's
 * tables.
 *
 * B1  A chart reads the smallest table that has what it shows. One that also has the filter's dimension goes first, so
 *     that the filter reaches as many charts as it can.
 * B2  What no table of the plan can show is left out; any sound plan has a dashboard.
 */
import { planPage, type BoardPlan, type ChartPlan, type PageDimension } from '../pipeline/page.ts'
import type { Plan, TablePlan } from '../pipeline/plan.ts'
import { metricsOf, type Metric } from './metrics.ts'

export type ChartKind = ChartPlan['kind'] | 'number' | 'trend' | 'share' | 'ranking'

/** One chart over one table. */
export interface DashboardChart {
  readonly id: string
  readonly kind: ChartKind
  readonly title: string
  readonly description: string
  readonly table: TablePlan
  readonly dimension: PageDimension | null
  /** One, but for the ranking; never empty. */
  readonly metrics: readonly Metric[]
  /** What members are chosen and ranked by. */
  readonly rankBy: Metric
}

/** The filter by members of one dimension, offered from a table. */
export interface DashboardFilter {
  readonly dimension: PageDimension
  readonly table: TablePlan
}

export interface DashboardPlan {
  readonly charts: readonly DashboardChart[]
  readonly filter: DashboardFilter | null
  /** How far back it looks unless told otherwise. */
  readonly rangeMs: number
}

/** The dashboard of a plan. */
export function planDashboard(plan: Plan): DashboardPlan {
  const page = planPage(plan)
  const [first] = page.boards
  const filterTable = first === undefined ? undefined : smallest(plan, (table) => hasDimension(table, first.dimension))
  const finder = new TableFinder(plan, first?.dimension.name)
  const [main, impressions, clicks] = page.charts
  return {
    charts: [
      ...(main === undefined ? [] : numberTile(finder, main)),
      ...(impressions === undefined ? [] : trendTile(finder, impressions)),
      ...(impressions === undefined ? [] : shareChart(finder, impressions)),
      ...[main, impressions, clicks].flatMap((chart) => (chart === undefined ? [] : seriesChart(finder, chart))),
      ...(first === undefined ? [] : rankingChart(finder, plan, first)),
    ],
    filter:
      first === undefined || filterTable === undefined ? null : { dimension: first.dimension, table: filterTable },
    rangeMs: page.rangeMs,
  }
}

/** A table, and the metric of the measure it was looked for. */
interface Found {
  readonly table: TablePlan
  readonly metric: Metric
  readonly metrics: readonly Metric[]
}

class TableFinder {
  readonly #plan: Plan
  readonly #filter: string | undefined

  constructor(plan: Plan, filter: string | undefined) {
    this.#plan = plan
    this.#filter = filter
  }

  find(axis: TablePlan['axis'], dimension: PageDimension | null, measure: string): Found | undefined {
    const fits = (table: TablePlan): boolean =>
      table.axis === axis && hasDimension(table, dimension) && this.#metric(table, measure) !== undefined
    const filter = this.#filter
    const table =
      smallest(this.#plan, (one) => fits(one) && filter !== undefined && one.dimensions.includes(filter)) ??
      smallest(this.#plan, fits)
    if (table === undefined) return undefined
    const metric = this.#metric(table, measure)
    return metric === undefined ? undefined : { table, metric, metrics: metricsOf(this.#plan, table) }
  }

  #metric(table: TablePlan, measure: string): Metric | undefined {
    return metricsOf(this.#plan, table).find((metric) => metric.measure === measure)
  }
}

function hasDimension(table: TablePlan, dimension: PageDimension | null): boolean {
  return dimension === null || table.dimensions.includes(dimension.name)
}

function smallest(plan: Plan, fits: (table: TablePlan) => boolean): TablePlan | undefined {
  return plan.tables.filter(fits).toSorted((a, b) => a.dimensions.length - b.dimensions.length)[0]
}

function seriesChart(finder: TableFinder, chart: ChartPlan): readonly DashboardChart[] {
  const { id, kind, title, axis, dimension, measure } = chart
  const own = finder.find(axis, dimension, measure.name)
  // Without a table on its own axis a click stands under the minute of its impression.
  const found = own ?? finder.find('impression', dimension, measure.name)
  if (found === undefined) return []
  const under = found.table.axis === axis ? minuteOf(axis) : minuteOf('impression')
  const description = `${found.metric.label} by ${under}. From ${found.table.name}.`
  const { table, metric } = found
  return [{ id, kind, title, description, table, dimension, metrics: [metric], rankBy: rankOf(found) }]
}

function minuteOf(axis: TablePlan['axis']): string {
  return axis === 'click' ? "the click's own time" : "the impression's time"
}

function numberTile(finder: TableFinder, { measure }: ChartPlan): readonly DashboardChart[] {
  const found = finder.find('impression', null, measure.name)
  return found === undefined ? [] : [tile('total', 'number', `Total ${found.metric.label}`, found)]
}

function trendTile(finder: TableFinder, { measure }: ChartPlan): readonly DashboardChart[] {
  const found = finder.find('impression', null, measure.name)
  return found === undefined ? [] : [tile('trend', 'trend', found.metric.label, found)]
}

function tile(id: string, kind: ChartKind, title: string, { table, metric }: Found): DashboardChart {
  const description = `${metric.label} of the whole range, from sums. From ${table.name}.`
  return { id, kind, title, description, table, dimension: null, metrics: [metric], rankBy: metric }
}

function shareChart(finder: TableFinder, { dimension, measure }: ChartPlan): readonly DashboardChart[] {
  const found = dimension === null ? undefined : finder.find('impression', dimension, measure.name)
  if (found === undefined || dimension === null) return []
  const { table, metric } = found
  const description = `${metric.label} of the whole range. From ${table.name}.`
  const title = `${dimension.label} share`
  return [{ id: 'share', kind: 'share', title, description, table, dimension, metrics: [metric], rankBy: metric }]
}

/** Every metric of the table that has most of them. */
function rankingChart(finder: TableFinder, plan: Plan, board: BoardPlan): readonly DashboardChart[] {
  const found = [...plan.measures]
    .flatMap(({ name }) => finder.find('impression', board.dimension, name) ?? [])
    .toSorted((a, b) => b.metrics.length - a.metrics.length || size(a) - size(b))[0]
  if (found === undefined) return []
  const { dimension } = board
  const { table, metrics } = found
  const rankBy = metrics.find(({ measure }) => measure === (board.ratio ?? board.value).name) ?? found.metric
  const title = `${dimension.label} ranking`
  const description = `By ${rankBy.label}, over the whole range. From ${table.name}.`
  return [{ id: 'ranking', kind: 'ranking', title, description, table, dimension, metrics, rankBy }]
}

function size({ table }: Found): number {
  return table.dimensions.length
}

/** Series are chosen by volume, so that a ratio of three impressions is not the first line. */
function rankOf({ metrics, metric }: Found): Metric {
  return metrics.find(({ kind }) => kind === 'sum') ?? metric
}
