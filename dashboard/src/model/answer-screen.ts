/**
 * From an answer to the screen that shows it.
 *
 * W1  One question for one screen: everything on it is of one snapshot.
 * W2  A member keeps its colour, and its place among those that are shown (A1 and A2 of `slots.ts`).
 */
import type { ChartPlan, PagePlan } from '../../../src/pipeline/page.ts'
import type { Amounts, SeriesAnswer, ViewAnswer } from '../../../src/query/view-answer.ts'
import type { Grain } from '../../../src/query/view-query.ts'
import type { Values } from '../../../src/server/page-data.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { answerBoard } from './answer-board.ts'
import { sumOf, sumOfRows, valuesReader, type ReadValues } from './answer-values.ts'
import { modelOfCells, OTHERS_SLOT, type ChartModel, type SeriesCells } from './chart-model.ts'
import type { PageState } from './page-state.ts'
import type { Screen, TotalsModel } from './screen.ts'
import { assignSlots, keepMembers, type Memory } from './slots.ts'
import { boardPlans, chartPlans, CHART_MEMBERS } from './view-question.ts'

export const GRAINS_MS: Readonly<Record<Grain, number>> = {
  '1m': MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '15m': 15 * MINUTE_MS,
  '1h': HOUR_MS,
  '1d': DAY_MS,
  '1w': 7 * DAY_MS,
}
const MAX_FILLING = 2

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
