/**
 * Which table answers what. Dimensions of different tables cannot be joined once their events are counted, so each term
 * of a view (`view-source.ts`) is answered by one table that has all of its dimensions, or by none.
 *
 * U1  A table answers where it lacks none of the amounts that views have (Q1 of `table-amounts.ts`).
 * U2  Of the tables that can answer, the one with the fewest rows does where PostgreSQL knows how many they have, else
 *     the one with the fewest dimensions.
 */
import { TidemarkError } from '../errors.ts'
import type { Plan, TablePlan, TimeAxis } from '../pipeline/plan.ts'
import { countColumn, keptAmounts, lackingMeasures, sumColumn } from '../pipeline/table-amounts.ts'

/** A table and its columns of the amounts. */
export interface Covering {
  readonly table: TablePlan
  /** Null where the axis, or the whole plan, has none. */
  readonly impressions: string | null
  readonly clicks: string | null
  /** Columns of the kept sums, in their order. */
  readonly sums: readonly string[]
}

/** About how many rows tables have, by name. */
export type TableSizes = ReadonlyMap<string, number>

/** The table that answers for these dimensions on this axis (U2), or undefined. */
export function coveringTable(
  plan: Plan,
  axis: TimeAxis,
  dimensions: readonly string[],
  sizes?: TableSizes,
): Covering | undefined {
  const fitting = coverings(plan, axis).filter(({ table }) =>
    dimensions.every((name) => table.dimensions.includes(name)),
  )
  const areKnown = fitting.every(({ table }) => (sizes?.get(table.name) ?? 0) > 0)
  const weight = ({ table }: Covering): number => (areKnown ? (sizes?.get(table.name) ?? 0) : table.dimensions.length)
  return fitting.toSorted((a, b) => weight(a) - weight(b))[0]
}

/** All tables of an axis that can answer (U1), in the plan's order. */
export function coverings(plan: Plan, axis: TimeAxis): readonly Covering[] {
  const { sums: kept } = keptAmounts(plan)
  const answering = plan.tables.filter((table) => table.axis === axis && lackingMeasures(plan, table).length === 0)
  return answering.map((table) => {
    const clicks = countColumn(plan, table, 'clicks') ?? null
    if (axis === 'click') return { table, impressions: null, clicks, sums: [] }
    const impressions = countColumn(plan, table, 'impressions') ?? null
    return { table, impressions, clicks, sums: kept.flatMap((name) => sumColumn(plan, table, name) ?? []) }
  })
}

/**
 * Like {@link coveringTable}.
 *
 * @throws TidemarkError VIEW_UNANSWERABLE naming what no table has together
 */
export function requireTable(plan: Plan, axis: TimeAxis, dimensions: readonly string[], sizes?: TableSizes): Covering {
  const covering = coveringTable(plan, axis, dimensions, sizes)
  if (covering !== undefined) return covering
  const allowed = coverings(plan, axis).map(({ table }) => table.dimensions.join(' × ') || 'no dimension')
  const given = dimensions.join(' × ') || 'no dimension'
  throw new TidemarkError('VIEW_UNANSWERABLE', `No table has ${given} on the ${axis} axis.`, {
    where: 'filters, split and ranks',
    given,
    allowed,
    fix:
      allowed.length === 0
        ? `add a table with minuteOf "${axis}" to the definition`
        : `leave out a filter, or add a table of these dimensions with minuteOf "${axis}" to the definition`,
  })
}
