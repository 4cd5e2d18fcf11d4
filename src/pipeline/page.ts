/**
 * What the page shows, derived from the plan and from nothing else: tiles, charts, leaderboards and the roll-ups they
 * are read from. Plain data, sent to the browser as it is.
 *
 * G1  Every roll-up a chart or a board names is in `rollUps`; the engine keeps them beside the plan's tables.
 * G2  Values travel as a list of quantities: counted impressions, counted clicks, then one sum for each summed field.
 *     A measure of the page says which of them it reads.
 * G3  Any sound plan has a page: without a ratio, with one dimension or with none.
 */
import { HOUR_MS } from '../time/units.ts'
import type { DimensionPlan, MeasurePlan, Plan, RatioMeasurePlan, RollUp, TablePlan, TimeAxis } from './plan.ts'
import { finalAfterMs, summedFields } from './plan.ts'
import { keptAmounts, lackingMeasures } from './table-amounts.ts'

/** Index of counted impressions and counted clicks among the quantities; the sums follow. */
const IMPRESSIONS_QUANTITY = 0
const CLICKS_QUANTITY = 1
const FIRST_SUM_QUANTITY = 2

/** A count, or an exact sum in millionths. */
export interface QuantityMeasure {
  readonly kind: 'count' | 'money'
  readonly name: string
  readonly label: string
  /** Index among the quantities. */
  readonly quantity: number
}

/**
 * A ratio of two quantities. `share`: clicks of impressions, shown in percent; `money`: currency units for each of
 * something; `plain`: any other.
 */
export interface RatioMeasure {
  readonly kind: 'ratio'
  readonly name: string
  readonly label: string
  readonly numerator: number
  readonly denominator: number
  readonly scale: number
  readonly unit: 'share' | 'money' | 'plain'
}

export type PageMeasure = QuantityMeasure | RatioMeasure

export interface PageDimension {
  readonly name: string
  readonly label: string
}

/** One chart over the windows of the range: a line, a stack of bars or a stack of areas for each member shown. */
export interface ChartPlan {
  readonly id: string
  readonly kind: 'lines' | 'bars' | 'areas'
  readonly title: string
  readonly axis: TimeAxis
  /** Null draws the total alone. */
  readonly dimension: PageDimension | null
  readonly measure: PageMeasure
  readonly rollUp: string
  readonly totalRollUp: string
}

/** The largest members of one dimension. */
export interface BoardPlan {
  readonly dimension: PageDimension
  readonly rollUp: string
  /** What members are ranked by. */
  readonly value: QuantityMeasure
  readonly ratio: RatioMeasure | null
}

export interface PagePlan {
  readonly name: string
  readonly windowSizeMs: number
  /** How far back the page looks, a whole number of windows. */
  readonly rangeMs: number
  /** How long after its end a window becomes final. */
  readonly finalAfterMs: number
  readonly outOfOrdernessMs: number
  readonly idleTimeoutMs: number
  readonly quantityCount: number
  /** The plan's own in its order, then eCPM and CPC of its first sum where it has none of these names. */
  readonly measures: readonly PageMeasure[]
  readonly tiles: readonly PageMeasure[]
  readonly charts: readonly ChartPlan[]
  readonly boards: readonly BoardPlan[]
  readonly totalRollUp: string
  readonly rollUps: readonly RollUp[]
  /** What the plan's tables are split by, on each axis: filters and splits that no table holds cannot be asked for. */
  readonly tables: readonly Pick<RollUp, 'axis' | 'dimensions'>[]
  /** Quantities that tables keep: what is made of others can be shown from memory, and not asked for. */
  readonly keptQuantities: readonly number[]
  /** Tables that answer no question, and the measures they lack for it. */
  readonly silentTables: readonly SilentTable[]
}

/** A table that views cannot be answered from, for want of measures. */
export interface SilentTable {
  readonly name: string
  readonly dimensions: readonly string[]
  readonly lacks: readonly string[]
}

const MIN_WINDOWS = 12
/** The most windows a page shows. */
export const MAX_WINDOWS = 600
const MAX_TILES = 8

const TOTAL: RollUp = { name: 'page:total', axis: 'impression', dimensions: [] }
const CLICK_TOTAL: RollUp = { name: 'page:clicks:total', axis: 'click', dimensions: [] }

/**
 * The page of a plan.
 *
 * @param rangeMs how far back it looks, a whole number of windows and {@link MAX_WINDOWS} at most; an hour where that
 * is a fair number of windows
 */
export function planPage(plan: Plan, rangeMs: number = rangeOf(plan.parameters.windowSizeMs)): PagePlan {
  const { windowSizeMs, outOfOrdernessMs, idleTimeoutMs } = plan.parameters
  const measures = withRates(plan.measures.map((measure) => pageMeasure(plan, measure)))
  const charts = planCharts(plan, measures)
  return {
    name: plan.name,
    windowSizeMs,
    rangeMs,
    finalAfterMs: finalAfterMs(plan.parameters),
    outOfOrdernessMs,
    idleTimeoutMs,
    quantityCount: FIRST_SUM_QUANTITY + summedFields(plan).length,
    measures,
    tiles: measures.slice(0, MAX_TILES),
    charts,
    boards: plan.dimensions.map((dimension) => planBoard(dimension, measures)),
    totalRollUp: TOTAL.name,
    rollUps: planRollUps(plan, charts),
    tables: answeringTables(plan).map(({ axis, dimensions }) => ({ axis, dimensions })),
    keptQuantities: keptQuantities(plan),
    silentTables: silentTables(plan),
  }
}

// Where no table of the impression axis keeps clicks, views have no measure to show on the other one.
function answeringTables(plan: Plan): readonly TablePlan[] {
  const { clicks } = keptAmounts(plan)
  return plan.tables.filter((table) => lackingMeasures(plan, table).length === 0 && (clicks || table.axis !== 'click'))
}

function keptQuantities(plan: Plan): readonly number[] {
  const { impressions, clicks, sums } = keptAmounts(plan)
  return [
    ...(impressions ? [IMPRESSIONS_QUANTITY] : []),
    ...(clicks ? [CLICKS_QUANTITY] : []),
    ...sums.map((name) => quantityOf(plan, measureNamed(plan, name))),
  ]
}

/** The tables of the impression axis that views cannot be answered from. */
export function silentTables(plan: Plan): readonly SilentTable[] {
  return plan.tables.flatMap((table) => {
    const lacks = table.axis === 'impression' ? lackingMeasures(plan, table) : []
    return lacks.length === 0 ? [] : [{ name: table.name, dimensions: table.dimensions, lacks }]
  })
}

/** One hour where that is a fair number of windows, otherwise as many windows as still make a chart. */
function rangeOf(windowSizeMs: number): number {
  const windows = Math.round(HOUR_MS / windowSizeMs)
  return Math.min(Math.max(windows, MIN_WINDOWS), MAX_WINDOWS) * windowSizeMs
}

function pageMeasure(plan: Plan, measure: MeasurePlan): PageMeasure {
  const { name, label } = measure
  if (measure.kind !== 'ratio') {
    return { kind: measure.kind === 'sum' ? 'money' : 'count', name, label, quantity: quantityOf(plan, measure) }
  }
  const numerator = quantityOf(plan, measureNamed(plan, measure.numerator))
  const denominator = quantityOf(plan, measureNamed(plan, measure.denominator))
  return { kind: 'ratio', name, label, numerator, denominator, scale: measure.scale, unit: unitOf(plan, measure) }
}

/** The two rates every buyer asks for, of the first sum. */
function withRates(measures: readonly PageMeasure[]): readonly PageMeasure[] {
  const sum = measures.find(({ kind }) => kind === 'money')
  if (sum?.kind !== 'money') return measures
  const rate = (name: string, label: string, denominator: number, scale: number): RatioMeasure => {
    return { kind: 'ratio', name, label, numerator: sum.quantity, denominator, scale, unit: 'money' }
  }
  const rates = [rate('ecpm', 'eCPM', IMPRESSIONS_QUANTITY, 1_000), rate('cpc', 'CPC', CLICKS_QUANTITY, 1)]
  return [...measures, ...rates.filter(({ name }) => measures.every((own) => own.name !== name))]
}

function quantityOf(plan: Plan, measure: MeasurePlan): number {
  if (measure.kind === 'sum') return FIRST_SUM_QUANTITY + summedFields(plan).indexOf(measure.field)
  return measure.kind === 'count' && measure.of === 'clicks' ? CLICKS_QUANTITY : IMPRESSIONS_QUANTITY
}

function measureNamed(plan: Plan, name: string): MeasurePlan {
  const measure = plan.measures.find((candidate) => candidate.name === name)
  if (measure === undefined) throw new RangeError(`the plan has no measure "${name}"`)
  return measure
}

function unitOf(plan: Plan, ratio: RatioMeasurePlan): RatioMeasure['unit'] {
  const numerator = measureNamed(plan, ratio.numerator)
  const denominator = measureNamed(plan, ratio.denominator)
  if (numerator.kind === 'sum') return denominator.kind === 'count' ? 'money' : 'plain'
  const isShare = quantityOf(plan, numerator) === CLICKS_QUANTITY && quantityOf(plan, denominator) === 0
  return isShare && denominator.kind === 'count' && ratio.scale === 1 ? 'share' : 'plain'
}

/** The ratio of clicks to impressions if the plan has it, else its first ratio. */
function mainRatio(measures: readonly PageMeasure[]): RatioMeasure | null {
  const ratios = measures.filter((measure) => measure.kind === 'ratio')
  return ratios.find((ratio) => ratio.unit === 'share') ?? ratios[0] ?? null
}

function countMeasure(measures: readonly PageMeasure[], quantity: number, label: string): QuantityMeasure {
  const own = measures.find((measure) => measure.kind === 'count' && measure.quantity === quantity)
  return own?.kind === 'count' ? own : { kind: 'count', name: label.toLowerCase(), label, quantity }
}

function planCharts(plan: Plan, measures: readonly PageMeasure[]): readonly ChartPlan[] {
  const first = plan.dimensions[0]
  const second = plan.dimensions[1] ?? first
  const impressions = countMeasure(measures, IMPRESSIONS_QUANTITY, 'Impressions')
  const clicks = countMeasure(measures, CLICKS_QUANTITY, 'Clicks')
  const main = mainRatio(measures) ?? clicks
  return [
    chart('main', 'lines', perTitle(main.label, first), 'impression', first, main),
    chart('impressions', 'bars', perTitle(impressions.label, second), 'impression', second, impressions),
    chart('clicks', 'areas', 'Click trends', 'click', second, clicks),
  ]
}

function chart(
  id: string,
  kind: ChartPlan['kind'],
  title: string,
  axis: TimeAxis,
  dimension: DimensionPlan | undefined,
  measure: PageMeasure,
): ChartPlan {
  const totalRollUp = axis === 'click' ? CLICK_TOTAL.name : TOTAL.name
  if (dimension === undefined) {
    return { id, kind, title, axis, dimension: null, measure, rollUp: totalRollUp, totalRollUp }
  }
  const { name, label } = dimension
  return { id, kind, title, axis, dimension: { name, label }, measure, rollUp: rollUpName(axis, name), totalRollUp }
}

function perTitle(label: string, dimension: DimensionPlan | undefined): string {
  return dimension === undefined ? label : `${label} per ${inSentence(dimension.label)}`
}

/** A label within a sentence: `Campaign` becomes `campaign`, `URL` and `OS` stay. */
export function inSentence(label: string): string {
  const isWord = label.slice(1) === label.slice(1).toLowerCase() && label.length > 1
  return isWord ? label.charAt(0).toLowerCase() + label.slice(1) : label
}

function planBoard(dimension: DimensionPlan, measures: readonly PageMeasure[]): BoardPlan {
  return {
    dimension: { name: dimension.name, label: dimension.label },
    rollUp: rollUpName('impression', dimension.name),
    value: countMeasure(measures, IMPRESSIONS_QUANTITY, 'Impressions'),
    ratio: mainRatio(measures),
  }
}

function rollUpName(axis: TimeAxis, dimension: string): string {
  return axis === 'click' ? `page:clicks:by:${dimension}` : `page:by:${dimension}`
}

function planRollUps(plan: Plan, charts: readonly ChartPlan[]): readonly RollUp[] {
  const byDimension = plan.dimensions.map(({ name }): RollUp => ({
    name: rollUpName('impression', name),
    axis: 'impression',
    dimensions: [name],
  }))
  const onClickAxis = charts.flatMap(({ axis, dimension, rollUp }): RollUp[] =>
    axis === 'click' && dimension !== null ? [{ name: rollUp, axis, dimensions: [dimension.name] }] : [],
  )
  return [TOTAL, ...byDimension, CLICK_TOTAL, ...onClickAxis]
}
