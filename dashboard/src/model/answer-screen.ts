/**
 * From a state to the question it asks, and from the answer to the screen that shows it.
 *
 * W1  One question for one screen: everything on it is of one snapshot.
 * W2  A member keeps its colour, and its place among those that are shown (A1 and A2 of `slots.ts`).
 * W3  Nothing is asked for that no table holds.
 */
import { microsOf } from '../../../src/query/amounts.ts'
import type { Amounts, RankAnswer, SeriesAnswer, ViewAnswer } from '../../../src/query/view-answer.ts'
import type { Grain, RankPart, SeriesPart, ViewQuery } from '../../../src/query/view-query.ts'
import { inSentence, type BoardPlan, type ChartPlan, type PagePlan } from '../../../src/pipeline/page.ts'
import type { Quantity, Values } from '../../../src/server/page-data.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { isCovered } from './answerable.ts'
import { modelOfCells, OTHERS_SLOT, type ChartModel, type SeriesCells } from './chart-model.ts'
import { measureOf, type PageState } from './page-state.ts'
import type { BoardColumns, BoardModel, BoardModelRow, Screen, TotalsModel } from './screen.ts'
import { assignSlots, keepMembers, type Memory } from './slots.ts'

export const GRAINS_MS: Readonly<Record<Grain, number>> = {
  '1m': MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '15m': 15 * MINUTE_MS,
  '1h': HOUR_MS,
  '1d': DAY_MS,
  '1w': 7 * DAY_MS,
}
const CHART_MEMBERS = 5
/** Members asked for beyond those that are shown: whoever is among them does not go yet. */
const SPARE_MEMBERS = 2
const MAX_FILLING = 2
const BOARD_ROWS = 10
/** Rows of a leaderboard that are there however small they are. */
const FIRST_ROWS = 6
const MIN_ROW_THOUSANDTHS = 1

/** The charts of a state: the chosen one, then those of the plan that follow it. */
function chartPlans(page: PagePlan, state: PageState): readonly ChartPlan[] {
  const measure = measureOf(page, state)
  const dimension = page.boards.find((board) => board.dimension.name === splitOf(page, state))?.dimension ?? null
  const [first, ...small] = page.charts
  if (first === undefined) return []
  const title = dimension === null ? measure.label : `${measure.label} per ${inSentence(dimension.label)}`
  const kind = measure.kind === 'ratio' ? 'lines' : 'areas'
  const main: ChartPlan = { ...first, kind, title, axis: state.axis, dimension, measure }
  return [main, ...small].map((chart) => {
    const isHeld = isCovered(page, state, chart.axis, chart.dimension?.name)
    // Clicks are counted at both minutes: where one cannot be asked for, the other can.
    return isHeld || chart.axis === 'impression' ? chart : { ...chart, axis: 'impression' }
  })
}

/** The leaderboards that can be asked for beside the filters of a state. */
export function boardPlans(page: PagePlan, state: PageState): readonly BoardPlan[] {
  return page.boards.filter(({ dimension }) => isCovered(page, state, 'impression', dimension.name))
}

/** What a state is split by, as far as a table holds it beside the filters (W3). */
export function splitOf(page: PagePlan, state: PageState): string | null {
  return state.split !== null && isCovered(page, state, 'impression', state.split) ? state.split : null
}

/** What a state asks. `search` narrows the leaderboards. */
export function viewQueryOf(page: PagePlan, state: PageState, search: string): ViewQuery {
  const { range, zone, grain, filters, comparison, order } = state
  const series = chartPlans(page, state).map((chart, index): SeriesPart => {
    const orderBy = index === 0 && chart.axis === 'impression' ? order : sizeOrder(chart)
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
  state: PageState,
  part: Pick<RankPart, 'dimension' | 'search' | 'offset' | 'limit'>,
): ViewQuery {
  const { range, zone, filters, comparison, order } = state
  const ranks = [{ ...part, orderBy: order, ignoreOwnFilter: true }]
  return { range, axis: 'impression', zone, grain: 'auto', filters, comparison, totals: false, series: [], ranks }
}

function sizeOrder({ axis }: ChartPlan): SeriesPart['orderBy'] {
  return { by: axis === 'click' ? 'clicks' : 'impressions', of: 'value', direction: 'desc' }
}

/** The screen of an answer to `viewQueryOf(page, state)`; `memory` keeps it steady from answer to answer. */
export function screenOfAnswer(page: PagePlan, state: PageState, answer: ViewAnswer, memory: Memory): Screen {
  const charts = answerCharts(page, state, answer, memory)
  return {
    source: 'tables',
    startMs: answer.range.startMs,
    endMs: answer.range.endMs,
    zone: state.zone,
    compared: answer.comparison,
    provisionalShare: answer.asOf.provisionalShare,
    finalUpToMs: answer.asOf.finalUpToMs,
    totals: answerTotals(page, answer, charts[0]?.fillingCount ?? 0),
    charts,
    boards: boardPlans(page, state).flatMap((plan, index) => {
      const rank = answer.ranks[index]
      return rank === undefined ? [] : [answerBoard({ page, state, plan, charts, memory }, rank)]
    }),
  }
}

function answerTotals(page: PagePlan, { totals, range, buckets }: ViewAnswer, fillingCount: number): TotalsModel {
  const isCut = (buckets[0] ?? range.startMs) < range.startMs
  const values = valuesReader(page)
  const whole = (amounts: readonly (Amounts | null)[]): readonly (Values | undefined)[] =>
    amounts.slice(0, amounts.length - fillingCount).map((bucket) => values(bucket))
  const spark = whole(totals?.sparkline ?? [])
  const compared = totals?.comparedSparkline ?? null
  return {
    last: values(totals?.value ?? null) ?? [],
    // What still fills is not held against what was whole: steady traffic would show as a fall.
    ...(compared === null ? {} : { complete: sumOf(spark), before: sumOf(whole(compared)) }),
    spark: spark.slice(isCut ? 1 : 0),
  }
}

function answerCharts(page: PagePlan, state: PageState, answer: ViewAnswer, memory: Memory): readonly ChartModel[] {
  const values = valuesReader(page)
  const colours = new Map<string, ReadonlyMap<string, number>>()
  return chartPlans(page, state).flatMap((plan, index) => {
    const series = answer.series[index]
    if (series === undefined) return []
    const dimension = plan.dimension?.name ?? ''
    const place = `${plan.id} ${dimension}`
    const ranked = series.members.filter((name) => name !== null)
    const shown = keepMembers(memory, place, state, ranked, CHART_MEMBERS)
    const slotOf = assignSlots(memory, place, [...shown], colours.get(dimension))
    if (!colours.has(dimension)) colours.set(dimension, slotOf)
    return [answerChart({ plan, state, answer, slotOf }, series, values)]
  })
}

type ReadValues = (amounts: Amounts | null) => Values | undefined

/** Amounts by name as the page's list of quantities (G2 of `page.ts`). */
export function valuesReader({ measures }: Pick<PagePlan, 'measures'>): ReadValues {
  const sums = measures.flatMap((measure) => (measure.kind === 'money' ? [measure] : []))
  const names = sums.toSorted((a, b) => a.quantity - b.quantity).map(({ name }) => name)
  return (amounts) => {
    if (amounts === null) return undefined
    return [amounts.impressions, amounts.clicks, ...names.map((name) => toQuantity(amounts.sums[name] ?? '0'))]
  }
}

function toQuantity(decimal: string): Quantity {
  const micros = microsOf(decimal)
  const size = micros < 0n ? -micros : micros
  return size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(micros) : String(micros)
}

interface ChartContext {
  readonly plan: ChartPlan
  readonly state: PageState
  readonly answer: ViewAnswer
  readonly slotOf: ReadonlyMap<string, number>
}

function answerChart(
  { plan, state, answer, slotOf }: ChartContext,
  { members, rows, comparedRows, isFinal }: SeriesAnswer,
  values: ReadValues,
): ChartModel {
  const isSplit = plan.dimension !== null
  const seriesOf = (indexes: readonly number[], name: string, slot: number, isOthers: boolean): SeriesCells => {
    const cells = sumOfRows(indexes.map((index) => (rows[index] ?? []).map(values)))
    const compared = indexes.flatMap((index) => (comparedRows === null ? [] : [comparedRows[index]?.map(values) ?? []]))
    return { name, slot, isOthers, cells, ...(comparedRows === null ? {} : { compared: sumOfRows(compared) }) }
  }
  const named = members.flatMap((name, index): SeriesCells[] => {
    if (name === null) return isSplit ? [] : [seriesOf([index], plan.measure.label, 0, false)]
    const slot = slotOf.get(name)
    return slot === undefined ? [] : [seriesOf([index], name, slot, false)]
  })
  const rest = members.flatMap((name, index) => (isSplit && (name === null || !slotOf.has(name)) ? [index] : []))
  const series = rest.length > 0 ? [...named, seriesOf(rest, 'others', OTHERS_SLOT, true)] : named
  const frame = { plan, windowSizeMs: GRAINS_MS[answer.grain], zone: state.zone, isFinal, windowsMs: answer.buckets }
  const { startMs, endMs } = answer.range
  return modelOfCells({ ...frame, startMs, endMs, fillingCount: fillingCount(answer, state) }, series)
}

/**
 * How many buckets at the end fill: while a minute begins, the one before is not all read yet. More than that is a
 * source that is stuck, and what the others sent is shown.
 */
function fillingCount(answer: ViewAnswer, state: PageState): number {
  const { asOf, grain, buckets } = answer
  if (!isFilling(answer, state)) return 0
  const { watermarkMs } = asOf
  if (watermarkMs === null) return 1
  const open = buckets.filter((startMs) => startMs + GRAINS_MS[grain] > watermarkMs).length
  return Math.min(Math.max(1, open), MAX_FILLING, buckets.length - 1)
}

/** The last bucket fills while its windows are not all read, and is never full where the range ends within it. */
function isFilling({ asOf, range, grain, buckets }: ViewAnswer, state: PageState): boolean {
  if (buckets.length < 2) return false
  const endOfLastMs = Math.max(range.endMs, (buckets.at(-1) ?? 0) + GRAINS_MS[grain])
  // Days may be an hour shorter than others.
  if (endOfLastMs - range.endMs > (GRAINS_MS[grain] < GRAINS_MS['1d'] ? 0 : GRAINS_MS['1h'])) return true
  if (asOf.finalUpToMs !== null && asOf.finalUpToMs >= range.endMs) return false
  return asOf.watermarkMs === null ? state.range.kind === 'last' : asOf.watermarkMs < endOfLastMs
}

/** The columns of leaderboards for a measure. */
export function columnsOf(page: PagePlan, state: Pick<PageState, 'measure'>): BoardColumns {
  const measure = measureOf(page, state)
  const [board] = page.boards
  const size = board?.value ?? { kind: 'count', name: 'impressions', label: 'Impressions', quantity: 0 }
  if (measure.kind === 'ratio') return { value: size, second: measure, changeOf: measure }
  return { value: measure, second: 'share', changeOf: measure }
}

interface BoardContext {
  readonly page: PagePlan
  readonly state: PageState
  readonly plan: BoardPlan
  readonly charts: readonly ChartModel[]
  readonly memory: Memory
}

function answerBoard(
  { page, state, plan, charts, memory }: BoardContext,
  { members, memberCount, rest, whole }: RankAnswer,
): BoardModel {
  const values = valuesReader(page)
  const own = charts.filter((chart) => chart.plan.dimension?.name === plan.dimension.name)
  const slots = slotsOf(own)
  const all = members.map((member) => boardRow(member, values, slots.get(member.name)))
  const ranked = all.map(({ name }) => name)
  const kept = keepMembers(memory, `board ${plan.dimension.name}`, state, ranked, BOARD_ROWS)
  const rows = worthARow(
    all.filter(({ name }) => kept.has(name)),
    state,
    values(whole) ?? [],
  )
  const left = all.filter((row) => !rows.includes(row))
  const others = sumOf([...left.map(({ last }) => last), values(rest) ?? []])
  return {
    plan,
    columns: columnsOf(page, state),
    isCharted: own.length > 0,
    memberCount,
    isCapped: false,
    whole: values(whole) ?? [],
    others,
    rows,
  }
}

/** Two charts of a dimension may give one colour to two members: the first chart's holds. */
function slotsOf(charts: readonly ChartModel[]): ReadonlyMap<string, number> {
  const slots = new Map<string, number>()
  for (const { name, slot, isOthers } of charts.flatMap(({ series }) => series)) {
    if (!isOthers && !slots.has(name) && ![...slots.values()].includes(slot)) slots.set(name, slot)
  }
  return slots
}

function boardRow(
  { name, value, compared, complete, isFinal }: RankAnswer['members'][number],
  values: ReturnType<typeof valuesReader>,
  slot: number | undefined,
): BoardModelRow {
  const before = values(compared)
  return {
    name,
    last: values(value) ?? [],
    isFinal,
    ...(slot === undefined ? {} : { slot }),
    ...(before === undefined ? {} : { complete: values(complete ?? value) ?? [], before }),
  }
}

/** In an order by size, rows after the first have at least a thousandth of all, or they are among the others. */
function worthARow(rows: readonly BoardModelRow[], { order }: PageState, whole: Values): readonly BoardModelRow[] {
  if (order.of === 'change' || order.direction === 'asc') return rows
  const isWorth = ({ last }: BoardModelRow): boolean =>
    Number(last[0] ?? 0) * 1_000 >= MIN_ROW_THOUSANDTHS * Number(whole[0] ?? 0)
  const count = rows.findLastIndex(isWorth) + 1
  return rows.slice(0, Math.max(count, FIRST_ROWS))
}

/** Rows of cells added up, cell by cell; nothing and nothing is nothing. */
function sumOfRows(rows: readonly (readonly (Values | undefined)[])[]): readonly (Values | undefined)[] {
  const [first = [], ...others] = rows
  if (others.length === 0) return first
  return first.map((_, index) => {
    const cells = rows.map((row) => row[index])
    return cells.every((cell) => cell === undefined) ? undefined : sumOf(cells)
  })
}

/** Quantities added up, exactly. */
function sumOf(all: readonly (Values | undefined)[]): Values {
  const length = Math.max(0, ...all.map((values) => values?.length ?? 0))
  return Array.from({ length }, (_, index) => {
    const sum = all.reduce((total, values) => total + BigInt(values?.[index] ?? 0), 0n)
    return sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : String(sum)
  })
}
