/**
 * Which amounts tables keep: counted impressions, counted clicks and sums. Views and the page are answered from tables,
 * and by those alone that keep all of them.
 *
 * Q1  What tables keep is the same for all views: amounts that at least one table of the impression axis has, and
 *     clicks on the click axis. A table that lacks one of them answers nothing.
 */
import type { Plan, StreamName, TablePlan } from './plan.ts'

/** The amounts that views of a plan have. */
export interface KeptAmounts {
  readonly impressions: boolean
  readonly clicks: boolean
  /** Names of sums, in the order of the plan's measures. */
  readonly sums: readonly string[]
}

/** The amounts that views of a plan have (Q1). */
export function keptAmounts(plan: Plan): KeptAmounts {
  const tables = plan.tables.filter(({ axis }) => axis === 'impression')
  const isKept = (column: (table: TablePlan) => string | undefined): boolean =>
    tables.some((table) => column(table) !== undefined)
  return {
    impressions: isKept((table) => countColumn(plan, table, 'impressions')),
    clicks: isKept((table) => countColumn(plan, table, 'clicks')),
    sums: plan.measures.flatMap((measure) =>
      measure.kind === 'sum' && isKept((table) => sumColumn(plan, table, measure.name)) ? [measure.name] : [],
    ),
  }
}

/** Names of the measures for want of which a table answers nothing (Q1); none where it answers. */
export function lackingMeasures(plan: Plan, table: TablePlan): readonly string[] {
  const kept = keptAmounts(plan)
  const lacksCount = (of: StreamName): readonly string[] =>
    countColumn(plan, table, of) === undefined ? [countName(plan, of)] : []
  if (table.axis === 'click') return lacksCount('clicks')
  return [
    ...(kept.impressions ? lacksCount('impressions') : []),
    ...(kept.clicks ? lacksCount('clicks') : []),
    ...kept.sums.filter((name) => sumColumn(plan, table, name) === undefined),
  ]
}

/** The table's column of a count; undefined where it has none. */
export function countColumn(plan: Plan, table: TablePlan, of: StreamName): string | undefined {
  return plan.measures.find(
    (measure) => measure.kind === 'count' && measure.of === of && table.measures.includes(measure.name),
  )?.name
}

/** The table's column of a sum, under whatever name it has the field; undefined where it has none. */
export function sumColumn(plan: Plan, table: TablePlan, sum: string): string | undefined {
  const measure = plan.measures.find(({ name }) => name === sum)
  if (measure?.kind !== 'sum') return undefined
  return plan.measures.find(
    (other) => other.kind === 'sum' && other.field === measure.field && table.measures.includes(other.name),
  )?.name
}

function countName(plan: Plan, of: StreamName): string {
  return plan.measures.find((measure) => measure.kind === 'count' && measure.of === of)?.name ?? of
}
