/**
 * What can be asked of a table, as SQL that holds for any group of its rows.
 *
 * M1  A ratio is a ratio of sums. The table's own ratio column is of one row and is never averaged.
 * M2  No metric has the name of a column: Superset could not tell the two apart when it sorts.
 */
import type { MeasurePlan, Plan, RatioMeasurePlan, TablePlan } from '../pipeline/plan.ts'
import { quoteIdentifier } from '../text/sql-text.ts'

/** One metric of a dataset. */
export interface Metric {
  readonly name: string
  readonly label: string
  readonly expression: string
  readonly kind: 'sum' | 'ratio'
  /** How numbers are written, in d3's language. */
  readonly format: string
  /** The measure it is read from; the cost per thousand is of none. */
  readonly measure: string | undefined
}

const COUNT_FORMAT = ',d'
const MONEY_FORMAT = ',.2f'
const SHARE_FORMAT = '.2%'
const PLAIN_FORMAT = ',.3~f'

/** All metrics of a table, measures first, in the plan's order. */
export function metricsOf(plan: Plan, table: TablePlan): readonly Metric[] {
  const taken = table.columns.map(({ name }) => name)
  const measured = plan.measures.flatMap((measure) => measureMetric(plan, table, measure) ?? [])
  return [...measured, ...costMetrics(plan, table)].map((metric) => ({
    ...metric,
    name: freeName(metric.name, taken),
  }))
}

function measureMetric(plan: Plan, table: TablePlan, measure: MeasurePlan): Metric | undefined {
  const { name, label } = measure
  if (measure.kind === 'ratio') return ratioMetric(plan, table, measure)
  if (!table.measures.includes(name)) return undefined
  const format = measure.kind === 'count' ? COUNT_FORMAT : MONEY_FORMAT
  return { name: `${name}_sum`, label, expression: sumOf(name), kind: 'sum', format, measure: name }
}

function ratioMetric(plan: Plan, table: TablePlan, ratio: RatioMeasurePlan): Metric | undefined {
  const { name, label, numerator, denominator, scale } = ratio
  if (!table.measures.includes(numerator) || !table.measures.includes(denominator)) return undefined
  const expression = ratioOf(numerator, denominator, scale)
  return { name: `${name}_ratio`, label, expression, kind: 'ratio', format: ratioFormat(plan, ratio), measure: name }
}

function ratioFormat(plan: Plan, { numerator, denominator, scale }: RatioMeasurePlan): string {
  const [top, bottom] = [measureOf(plan, numerator), measureOf(plan, denominator)]
  if (bottom?.kind !== 'count') return PLAIN_FORMAT
  if (top?.kind === 'sum') return MONEY_FORMAT
  return scale === 1 ? SHARE_FORMAT : PLAIN_FORMAT
}

/** What a thousand impressions cost, for each sum of money of which the plan has no such ratio. */
function costMetrics(plan: Plan, table: TablePlan): readonly Metric[] {
  const impressions = plan.measures.find(
    (measure) => measure.kind === 'count' && measure.of === 'impressions' && table.measures.includes(measure.name),
  )
  if (impressions === undefined) return []
  const sums = plan.measures.filter(({ kind, name }) => kind === 'sum' && table.measures.includes(name))
  return sums
    .filter((sum) => !hasCostRatio(plan, sum.name, impressions.name))
    .map((sum) => ({
      name: `${sum.name}_per_thousand`,
      label: sums.length === 1 ? 'eCPM' : `eCPM (${sum.label})`,
      expression: ratioOf(sum.name, impressions.name, 1_000),
      kind: 'ratio',
      format: MONEY_FORMAT,
      measure: undefined,
    }))
}

function hasCostRatio(plan: Plan, sum: string, impressions: string): boolean {
  return plan.measures.some(
    (measure) =>
      measure.kind === 'ratio' &&
      measure.numerator === sum &&
      measure.denominator === impressions &&
      measure.scale === 1_000,
  )
}

function measureOf(plan: Plan, name: string): MeasurePlan | undefined {
  return plan.measures.find((measure) => measure.name === name)
}

function sumOf(column: string): string {
  return `sum(${quoteIdentifier(column)})`
}

function ratioOf(numerator: string, denominator: string, scale: number): string {
  const factor = scale === 1 ? '' : `${scale} * `
  return `${factor}${sumOf(numerator)}::double precision / nullif(${sumOf(denominator)}, 0)`
}

function freeName(name: string, taken: readonly string[]): string {
  return taken.includes(name) ? freeName(`${name}_`, taken) : name
}
