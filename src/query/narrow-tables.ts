/**
 * Narrow cells: windows by one dimension or by none, where the plan keeps them in a wider table only. The engine counts
 * them for the page anyway; kept, they spare views of the newest windows the wide ones, of which no coarse cells are.
 *
 * N1  A narrow cell is the sum of the cells of the table that answers for it otherwise, in every epoch.
 */
import { planPage } from '../pipeline/page.ts'
import type { ColumnPlan, Plan, TablePlan } from '../pipeline/plan.ts'
import { coveringTable, type Covering } from './coverage.ts'
import { withOwnNames } from './table-names.ts'

/** A table of narrow cells, with the columns of a table of the plan. */
export interface NarrowTable extends TablePlan {
  /** The engine's name of the roll-up. */
  readonly rollUp: string
  /** The wider table of the plan. */
  readonly source: string
  /** Its own columns of the amounts. */
  readonly covering: Covering
}

/** From which window on narrow cells are kept, by name of the table; -Infinity for all. */
export type NarrowState = ReadonlyMap<string, number>

/** The state table's name, on every server. */
export const NARROW_STATE_TABLE = 'tidemark_windows'

const known = new WeakMap<Plan, readonly NarrowTable[]>()

/** All narrow tables of a plan. */
export function narrowTables(plan: Plan): readonly NarrowTable[] {
  const tables =
    known.get(plan) ??
    withOwnNames(
      planPage(plan).rollUps.flatMap(({ name, axis, dimensions }) => narrowTable(plan, { name, axis, dimensions })),
      ({ name }) => [name],
    )
  known.set(plan, tables)
  return tables
}

/** The narrow table that answers for exactly these dimensions, and from when on. */
export function narrowSource(
  plan: Plan,
  axis: TablePlan['axis'],
  dimensions: readonly string[],
  state: NarrowState | undefined,
): { readonly covering: Covering; readonly fromMs: number } | undefined {
  const found = narrowTables(plan).find(
    (table) =>
      table.axis === axis &&
      table.dimensions.length === dimensions.length &&
      dimensions.every((name) => table.dimensions.includes(name)),
  )
  const fromMs = found === undefined ? undefined : state?.get(found.name)
  return found === undefined || fromMs === undefined ? undefined : { covering: found.covering, fromMs }
}

function narrowTable(
  plan: Plan,
  { name, axis, dimensions }: Pick<TablePlan, 'name' | 'axis' | 'dimensions'>,
): NarrowTable[] {
  const wide = coveringTable(plan, axis, dimensions)
  if (wide === undefined || wide.table.dimensions.length === dimensions.length) return []
  const measures = [...new Set([wide.impressions, wide.clicks, ...wide.sums].filter((column) => column !== null))]
  const by = dimensions.length === 0 ? 'in_all' : `by_${dimensions.join('_')}`
  const ownName = `tidemark_windows_${wide.table.name}_${by}`
  const column = (columnName: string, type: ColumnPlan['type']): ColumnPlan => ({ name: columnName, type })
  const table: TablePlan = {
    name: ownName,
    axis,
    dimensions,
    measures,
    columns: [
      ...dimensions.map((dimension) => column(dimension, 'text')),
      column('window_start', 'timestamp'),
      column('window_end', 'timestamp'),
      ...measures.map((measure) => column(measure, wide.sums.includes(measure) ? 'money' : 'bigint')),
      column('is_final', 'boolean'),
      column('updated_at', 'timestamp'),
    ],
    primaryKey: ['window_start', ...dimensions],
  }
  return [{ ...table, rollUp: name, source: wide.table.name, covering: { ...wide, table } }]
}
