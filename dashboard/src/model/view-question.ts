/**
 * From a state to the question that it asks.
 *
 * N1  Nothing is asked for that no table holds.
 */
import type { TimeAxis } from '../../../src/pipeline/plan.ts'
import type { Order, RankPart, SeriesPart, ViewQuery } from '../../../src/query/view-query.ts'
import { inSentence, type BoardPlan, type ChartPlan, type PagePlan } from '../../../src/pipeline/page.ts'
import { isCovered, isKept, orderTaken } from './answerable.ts'
import { measureOf, type PageState } from './page-state.ts'

/** Members of a chart, and rows of a leaderboard. */
export const CHART_MEMBERS = 5
export const BOARD_ROWS = 10
/** Members asked for beyond those that are shown: whoever is among them does not go yet. */
const SPARE_MEMBERS = 2

/** The charts of a state: the chosen one, then those of the plan that follow it. */
export function chartPlans(page: PagePlan, state: PageState): readonly ChartPlan[] {
  const measure = measureOf(page, state)
  const dimension = page.boards.find((board) => board.dimension.name === splitOf(page, state))?.dimension ?? null
  const [first, ...small] = page.charts
  if (first === undefined) return []
  const title = dimension === null ? measure.label : `${measure.label} per ${inSentence(dimension.label)}`
  const kind = measure.kind === 'ratio' ? 'lines' : 'areas'
  const main: ChartPlan = { ...first, kind, title, axis: state.axis, dimension, measure }
  return [main, ...small.filter((chart) => isKept(page, chart.measure.name))].map((chart) => {
    const isHeld = (axis: TimeAxis): boolean => isCovered(page, state, axis, chart.dimension?.name)
    if (isHeld(chart.axis)) return chart
    // Clicks are counted at both minutes: where one cannot be asked for, the other can.
    if (isHeld('impression')) return { ...chart, axis: 'impression' }
    return { ...chart, axis: 'impression', dimension: null, title: chart.measure.label }
  })
}

/** The leaderboards that can be asked for beside the filters of a state. */
export function boardPlans(page: PagePlan, state: PageState): readonly BoardPlan[] {
  return page.boards.filter(({ dimension }) => isCovered(page, state, 'impression', dimension.name))
}

/** What a state is split by, as far as a table holds it beside the filters (N1). */
export function splitOf(page: PagePlan, state: PageState): string | null {
  return state.split !== null && isCovered(page, state, 'impression', state.split) ? state.split : null
}

/** What a state asks. `search` narrows the leaderboards. */
export function viewQueryOf(page: PagePlan, state: PageState, search: string): ViewQuery {
  const { range, zone, grain, filters, comparison } = state
  const order = orderTaken(page, state.order)
  const series = chartPlans(page, state).map((chart, index): SeriesPart => {
    const orderBy = index === 0 && chart.axis === 'impression' ? order : sizeOrder(page, chart)
    const split = chart.dimension?.name ?? null
    return { split, top: split === null ? 0 : CHART_MEMBERS + SPARE_MEMBERS, orderBy, members: [], axis: chart.axis }
  })
  const ranks = boardPlans(page, state).map(({ dimension }): RankPart => {
    const limit = BOARD_ROWS + SPARE_MEMBERS
    return { dimension: dimension.name, orderBy: order, limit, offset: 0, search, ignoreOwnFilter: true }
  })
  // Both axes have the same totals; leaderboards have impressions on one only.
  return { range, axis: 'impression', zone, grain, filters, comparison, totals: true, series, ranks }
}

/** One page of all members of a dimension, in the order of the leaderboards. */
export function memberQuery(
  page: PagePlan,
  state: PageState,
  part: Pick<RankPart, 'dimension' | 'search' | 'offset' | 'limit'>,
): ViewQuery {
  const { range, zone, filters, comparison } = state
  const ranks = [{ ...part, orderBy: orderTaken(page, state.order), ignoreOwnFilter: true }]
  return { range, axis: 'impression', zone, grain: 'auto', filters, comparison, totals: false, series: [], ranks }
}

function sizeOrder(page: PagePlan, { axis }: ChartPlan): Order {
  const size = { by: axis === 'click' ? 'clicks' : 'impressions', of: 'value', direction: 'desc' } as const
  return axis === 'click' ? size : orderTaken(page, size)
}
