/**
 * Early cells: windows of a wide table, also by one or two of its dimensions alone, summed up before they are final,
 * with what epochs changed in them since. They spare views the wide table for all but the newest windows.
 *
 * E1  An early cell and the changes of its window add up to the sum of the wide cells, in every epoch.
 * E2  Cells are made of windows that the watermark has passed: few of their rows change any more. Changes are kept of
 *     all such windows, whether cells are there or not. Sums of them over the shortest coarse period spare views most
 *     of the windows; they belong to the same changes.
 * E3  Each dimension and each pair that only a wider table has gets its own table, unless narrow cells have it, and so
 *     do all dimensions of that table together; of tables of many dimensions there are none, like coarse pairs (C3),
 *     nor of those where two names would be one (O1 of `table-names.ts`).
 */
import { planHash } from '../pipeline/plan-hash.ts'
import type { Plan, TimeAxis } from '../pipeline/plan.ts'
import { hashText } from '../text/hash-text.ts'
import { MINUTE_MS } from '../time/units.ts'
import { AXES } from './check-view.ts'
import { coarseLengths, MAX_PAIRED, type CoarseTable } from './coarse-tables.ts'
import { coveringTable, coverings, type Covering } from './coverage.ts'
import { narrowTables } from './narrow-tables.ts'
import { withOwnNames } from './table-names.ts'

/** What is kept beside one wide table. All of its tables have the columns of coarse cells. */
export interface EarlySet {
  readonly source: Covering
  readonly cells: readonly CoarseTable[]
  /**
   * Sums of each of them over the shortest coarse period, in the same order; none where the plan has no coarse cells.
   */
  readonly sums: readonly CoarseTable[]
  /** Differences of wide cells, a row for each change. */
  readonly changes: CoarseTable
}

/** Which windows have early cells, by name of the wide table: from `fromMs` on, before `untilMs`. */
export type EarlyState = ReadonlyMap<string, { readonly fromMs: number; readonly untilMs: number }>

/** Early cells that a view can be answered from. */
export interface EarlySource {
  readonly cells: CoarseTable
  /** Sums of the cells, for each period that lies within `fromMs` and `untilMs`. */
  readonly sums: CoarseTable | undefined
  readonly changes: CoarseTable
  readonly fromMs: number
  readonly untilMs: number
}

/** The state table's name, on every server. */
export const EARLY_STATE_TABLE = 'tidemark_early'

const known = new WeakMap<Plan, readonly EarlySet[]>()

/** All early cells of a plan. */
export function earlySets(plan: Plan): readonly EarlySet[] {
  const sets =
    known.get(plan) ??
    withOwnNames(
      AXES.flatMap((axis) => coverings(plan, axis).flatMap((source) => earlySet(plan, source))),
      earlyTableNames,
    )
  known.set(plan, sets)
  return sets
}

/** Names of all tables of a set. */
export function earlyTableNames({ cells, sums, changes }: EarlySet): readonly string[] {
  return [...cells, ...sums, changes].map(({ name }) => name)
}

/**
 * What a state of early cells is of: the plan, and which tables are kept. Another version may keep others, and takes up
 * changes into those alone.
 */
export function earlyLayout(plan: Plan): string {
  const names = earlySets(plan).flatMap(earlyTableNames)
  return `${planHash(plan)}:${hashText(JSON.stringify(names)).toString(16)}`
}

/** The column that is above 0 in each cell that there is. */
export function countedColumn({ impressions, clicks }: Covering, axis: TimeAxis): string | null {
  return axis === 'click' ? clicks : impressions
}

/** The early cells that answer for exactly these dimensions, where there are any. */
export function earlySource(
  plan: Plan,
  axis: TimeAxis,
  dimensions: readonly string[],
  state: EarlyState | undefined,
): EarlySource | undefined {
  if (state === undefined) return undefined
  for (const { source, cells, sums, changes } of earlySets(plan)) {
    const own = cells.find((table) => table.axis === axis && areSame(table.dimensions, dimensions))
    const summed = sums.find(({ parent }) => parent === own?.name)
    const span = state.get(source.table.name)
    if (own !== undefined && span !== undefined) return { cells: own, sums: summed, changes, ...span }
  }
  return undefined
}

function earlySet(plan: Plan, source: Covering): readonly EarlySet[] {
  const { axis, dimensions, name } = source.table
  if (dimensions.length > MAX_PAIRED || countedColumn(source, axis) === null) return []
  const table = (ownName: string, by: readonly string[]): CoarseTable => ({
    name: ownName,
    axis,
    lengthMs: plan.parameters.windowSizeMs,
    dimensions: by,
    covering: source,
    parent: null,
  })
  const pairs = dimensions.flatMap((first, index) => dimensions.slice(index + 1).map((second) => [first, second]))
  const cells = [...pairs, ...dimensions.map((dimension) => [dimension])].flatMap((by) => {
    const isWiderOnly = by.length < dimensions.length && coveringTable(plan, axis, by)?.table.name === name
    const isNarrow = narrowTables(plan).some((table) => table.axis === axis && areSame(table.dimensions, by))
    return isWiderOnly && !isNarrow ? [table(`tidemark_early_${name}_by_${by.join('_')}`, by)] : []
  })
  const [lengthMs] = coarseLengths(plan)
  if (cells.length === 0) return []
  cells.push(table(`tidemark_early_${name}`, dimensions))
  const sums = cells.flatMap((own): CoarseTable[] => {
    if (lengthMs === undefined) return []
    const ownName = own.name.replace('tidemark_early_', `tidemark_early_${lengthMs / MINUTE_MS}m_`)
    return [{ ...own, name: ownName, lengthMs, parent: own.name }]
  })
  return [{ source, cells, sums, changes: table(`tidemark_changes_${name}`, dimensions) }]
}

function areSame(dimensions: readonly string[], others: readonly string[]): boolean {
  return dimensions.length === others.length && others.every((name) => dimensions.includes(name))
}
