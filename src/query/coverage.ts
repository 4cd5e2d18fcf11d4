/**
 * Which table answers what. Dimensions of different tables cannot be joined once their events are counted, so each term
 * of a view (`view-source.ts`) is answered by one table that has all of its dimensions, or by none.
 *
 * U1  What tables keep is the same for all views: amounts that at least one table of the impression axis has, and
 *     clicks on the click axis. A table that lacks one of them answers nothing.
 * U2  Of the tables that can answer, the one with the fewest rows does where PostgreSQL knows how many they have, else
 *     the one with the fewest dimensions.
 */
import { TidemarkError } from '../errors.ts'
import type { Plan, StreamName, TablePlan, TimeAxis } from '../pipeline/plan.ts'

/** The amounts that views of a plan have. */
export interface KeptAmounts {
  readonly impressions: boolean
  readonly clicks: boolean
  /** Names of sums, in the order of the plan's measures. */
  readonly sums: readonly string[]
}

/** A table and its columns of the amounts. */
export interface Covering {
  readonly table: TablePlan
  /** Null where the axis, or the whole plan, has none. */
  readonly impressions: string | null
  readonly clicks: string | null
  /** Columns of the kept sums, in their order. */
  readonly sums: readonly string[]
}

/** The amounts that views of a plan have (U1). */
export function keptAmounts(plan: Plan): KeptAmounts {
  const tables = plan.tables.filter(({ axis }) => axis === 'impression')
  const isKept = (column: (table: TablePlan) => string | undefined): boolean =>
    tables.some((table) => column(table) !== undefined)
  return {
    impressions: isKept((table) => countColumn(plan, table, 'impressions')),
    clicks: isKept((table) => countColumn(plan, table, 'clicks')),
    sums: plan.measures.flatMap((measure) =>
      measure.kind === 'sum' && isKept((table) => sumColumn(plan, table, measure.field)) ? [measure.name] : [],
    ),
  }
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
  const kept = keptAmounts(plan)
  return plan.tables.flatMap((table): Covering[] => {
    if (table.axis !== axis) return []
    const clicks = countColumn(plan, table, 'clicks')
    if (axis === 'click') return clicks === undefined ? [] : [{ table, impressions: null, clicks, sums: [] }]
    const impressions = countColumn(plan, table, 'impressions')
    if ((kept.impressions && impressions === undefined) || (kept.clicks && clicks === undefined)) return []
    const sums = kept.sums.flatMap((name) => sumColumn(plan, table, fieldOf(plan, name)) ?? [])
    if (sums.length < kept.sums.length) return []
    return [{ table, impressions: impressions ?? null, clicks: clicks ?? null, sums }]
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

function countColumn(plan: Plan, table: TablePlan, of: StreamName): string | undefined {
  return plan.measures.find(
    (measure) => measure.kind === 'count' && measure.of === of && table.measures.includes(measure.name),
  )?.name
}

function sumColumn(plan: Plan, table: TablePlan, field: string | undefined): string | undefined {
  return plan.measures.find(
    (measure) => measure.kind === 'sum' && measure.field === field && table.measures.includes(measure.name),
  )?.name
}

function fieldOf(plan: Plan, sum: string): string | undefined {
  const measure = plan.measures.find(({ name }) => name === sum)
  return measure?.kind === 'sum' ? measure.field : undefined
}
