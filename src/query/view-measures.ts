/**
 * The measures of a view, and their values from amounts: the one place for the server, which puts members in order, and
 * for the page, which shows them.
 *
 * M1  Every measure of the plan is one, and beside them impressions, clicks, CTR, eCPM and CPC where the plan has no
 *     measure of that name: eCPM and CPC of its first sum.
 * M2  A ratio is made of sums, never of ratios; over nothing it is null.
 * M3  A measure is offered where tables keep what it is made of (`table-amounts.ts`).
 */
import { ratioOf } from '../pipeline/cells.ts'
import type { MeasurePlan, Plan, TimeAxis } from '../pipeline/plan.ts'
import { keptAmounts } from '../pipeline/table-amounts.ts'
import { amountOf, type AmountRef, CLICKS, IMPRESSIONS } from './amounts.ts'
import type { Amounts } from './view-answer.ts'

/**
 * A measure of a view. `count`: a whole number; `money`: currency units, exact; `share`: clicks of impressions, to be
 * shown in percent; `rate`: currency units for each of something; `plain`: any other ratio.
 */
export interface ViewMeasure {
  readonly name: string
  readonly label: string
  readonly unit: 'count' | 'money' | 'share' | 'rate' | 'plain'
  readonly numerator: AmountRef
  /** Null for what is no ratio. */
  readonly denominator: AmountRef | null
  readonly scale: number
  /** Time axes that have it: a measure of clicks alone has both. */
  readonly axes: readonly TimeAxis[]
}

/** All measures of a plan's views: the plan's own in its order, then ours (M1, M3). */
export function viewMeasures(plan: Plan): readonly ViewMeasure[] {
  const kept = keptAmounts(plan)
  const own = plan.measures.map((measure) => ownMeasure(plan, measure))
  const taken = new Set(own.map(({ name }) => name))
  const isKept = (ref: AmountRef): boolean => (ref.kind === 'sum' ? kept.sums.includes(ref.name) : kept[ref.kind])
  return [...own, ...addedMeasures(kept.sums[0]).filter(({ name }) => !taken.has(name))].filter(
    ({ numerator, denominator }) => isKept(numerator) && (denominator === null || isKept(denominator)),
  )
}

/** Of amounts a measure's value, in units; null for a ratio over nothing. */
export function measureValue(measure: ViewMeasure, amounts: Amounts): number | null {
  const numerator = amountOf(measure.numerator, amounts)
  if (measure.denominator !== null) return ratioOf(numerator, amountOf(measure.denominator, amounts), measure.scale)
  return typeof numerator === 'bigint' ? Number(numerator) / 1e6 : numerator
}

function ownMeasure(plan: Plan, measure: MeasurePlan): ViewMeasure {
  const { name, label } = measure
  if (measure.kind === 'ratio')
    return ratio({ name, label }, named(plan, measure.numerator), named(plan, measure.denominator), measure.scale)
  return single({ name, label }, refOf(measure))
}

function addedMeasures(sum: string | undefined): readonly ViewMeasure[] {
  const counts = [
    single({ name: 'impressions', label: 'Impressions' }, IMPRESSIONS),
    single({ name: 'clicks', label: 'Clicks' }, CLICKS),
    ratio({ name: 'ctr', label: 'CTR' }, CLICKS, IMPRESSIONS, 1),
  ]
  if (sum === undefined) return counts
  const spend: AmountRef = { kind: 'sum', name: sum }
  return [
    ...counts,
    ratio({ name: 'ecpm', label: 'eCPM' }, spend, IMPRESSIONS, 1_000),
    ratio({ name: 'cpc', label: 'CPC' }, spend, CLICKS, 1),
  ]
}

function single(names: { name: string; label: string }, numerator: AmountRef): ViewMeasure {
  const unit = numerator.kind === 'sum' ? 'money' : 'count'
  return { ...names, unit, numerator, denominator: null, scale: 1, axes: axesOf([numerator]) }
}

function ratio(
  names: { name: string; label: string },
  numerator: AmountRef,
  denominator: AmountRef,
  scale: number,
): ViewMeasure {
  const isShare = numerator.kind === 'clicks' && denominator.kind === 'impressions' && scale === 1
  const isRate = numerator.kind === 'sum' && denominator.kind !== 'sum'
  const unit = isShare ? 'share' : isRate ? 'rate' : 'plain'
  return { ...names, unit, numerator, denominator, scale, axes: axesOf([numerator, denominator]) }
}

function axesOf(refs: readonly AmountRef[]): readonly TimeAxis[] {
  return refs.every(({ kind }) => kind === 'clicks') ? ['impression', 'click'] : ['impression']
}

function named(plan: Plan, name: string): AmountRef {
  const measure = plan.measures.find((candidate) => candidate.name === name)
  if (measure === undefined || measure.kind === 'ratio') throw new RangeError(`"${name}" is no count and no sum`)
  return refOf(measure)
}

function refOf(measure: Exclude<MeasurePlan, { kind: 'ratio' }>): AmountRef {
  if (measure.kind === 'sum') return { kind: 'sum', name: measure.name }
  return measure.of === 'clicks' ? CLICKS : IMPRESSIONS
}
