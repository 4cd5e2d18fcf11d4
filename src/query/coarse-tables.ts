/**
 * Coarse cells: sums of final cells over five minutes, an hour or a quarter of a day, kept in tables of their own so
 * that a view of a day visits thousands of rows and not millions. Which tables there are follows from the plan alone.
 *
 * C1  A coarse cell is the sum of the cells of one table whose windows lie in its period, over the dimensions it lacks.
 *     Only final cells are summed, so it never changes.
 * C2  Periods are whole numbers of windows, aligned to the Unix epoch like them; each length is a whole number of the
 *     one before. A plan whose windows are coarse already has none.
 * C3  Every dimension and every pair that views may ask for has its own table, and what a table has in full. Wide
 *     tables have no pairs: there would be too many.
 */
import type { Plan, TimeAxis } from '../pipeline/plan.ts'
import { hashText } from '../text/hash-text.ts'
import { HOUR_MS } from '../time/units.ts'
import { coveringTable, coverings, type Covering, type TableSizes } from './coverage.ts'
import type { Coarse } from './span-pieces.ts'
import { MAX_NAME_BYTES } from './table-names.ts'

/** One table of coarse cells: its columns are `window_start`, the dimensions, and the amounts of the covering. */
export interface CoarseTable {
  readonly name: string
  readonly axis: TimeAxis
  /** Length of a period, ms. */
  readonly lengthMs: number
  readonly dimensions: readonly string[]
  /** The table of the plan that is summed, and its columns of the amounts. */
  readonly covering: Covering
  /** The table of coarse cells it is made from; null where it is made from the plan's table. */
  readonly parent: string | null
}

/** How far coarse cells are complete: by length of their period, the end of the last one. */
export type CoarseState = ReadonlyMap<number, number>

/** The state table's name, on every server. */
export const COARSE_STATE_TABLE = 'tidemark_cells'

const LENGTHS: readonly (readonly [name: string, lengthMs: number])[] = [
  ['5m', 300_000],
  ['1h', HOUR_MS],
  ['6h', 21_600_000],
]
/** A period of fewer windows, or of fewer shorter periods, would save too little. */
const MIN_PARTS = 5
/** Dimensions of the widest table that gets its pairs. */
export const MAX_PAIRED = 4

/** The lengths of coarse cells that a plan has, the shortest first (C2). */
export function coarseLengths(plan: Plan): readonly number[] {
  const lengths: number[] = []
  for (const [, lengthMs] of LENGTHS) {
    const partMs = lengths.at(-1) ?? plan.parameters.windowSizeMs
    if (lengthMs % partMs === 0 && lengthMs / partMs >= MIN_PARTS) lengths.push(lengthMs)
  }
  return lengths
}

/** All tables of coarse cells of a plan: by length, the shortest first; what others are made from comes before them. */
export function coarseTables(plan: Plan): readonly CoarseTable[] {
  const tables = known.get(plan) ?? deriveTables(plan)
  known.set(plan, tables)
  return tables
}

// Every view asks for them.
const known = new WeakMap<Plan, readonly CoarseTable[]>()

function deriveTables(plan: Plan): readonly CoarseTable[] {
  const groups = (['impression', 'click'] as const).flatMap((axis) => groupsOf(plan, axis))
  const tables: CoarseTable[] = []
  for (const [index, lengthMs] of coarseLengths(plan).entries()) {
    const shorter = index === 0 ? [] : tables.slice(-groups.length)
    const added: CoarseTable[] = []
    for (const [place, group] of groups.entries()) {
      const parent = shorter[place] ?? smallestParent(added, group)
      added.push({ ...group, lengthMs, name: nameOf(plan, group, lengthMs, added), parent: parent?.name ?? null })
    }
    tables.push(...added)
  }
  return tables
}

/** Coarse cells that can answer for some dimensions, as far as they are complete. */
export interface CoarseSource extends Coarse {
  readonly table: CoarseTable
}

/** What answers for these dimensions on this axis, the shortest periods first: the cells with the fewest rows. */
export function coarseSources(
  tables: readonly CoarseTable[],
  axis: TimeAxis,
  dimensions: readonly string[],
  { coarse, sizes }: { readonly coarse?: CoarseState; readonly sizes?: TableSizes },
): readonly CoarseSource[] {
  return [...(coarse ?? [])].flatMap(([lengthMs, completeMs]): CoarseSource[] => {
    const fitting = tables.filter(
      (table) =>
        table.axis === axis &&
        table.lengthMs === lengthMs &&
        dimensions.every((dimension) => table.dimensions.includes(dimension)),
    )
    const weight = ({ name }: CoarseTable): number => Math.max(0, sizes?.get(name) ?? 0)
    const [table] = fitting.toSorted((a, b) => a.dimensions.length - b.dimensions.length || weight(a) - weight(b))
    return table === undefined ? [] : [{ table, lengthMs, completeMs }]
  })
}

type Group = Pick<CoarseTable, 'axis' | 'dimensions' | 'covering'>

/** Dimensions to sum by, those with most first (C3). */
function groupsOf(plan: Plan, axis: TimeAxis): readonly Group[] {
  const found = new Map<string, Group>()
  for (const { table } of coverings(plan, axis)) {
    for (const dimensions of subsets(table.dimensions)) {
      const covering = coveringTable(plan, axis, dimensions)
      const key = JSON.stringify(dimensions.toSorted())
      if (covering !== undefined && !found.has(key)) found.set(key, { axis, dimensions, covering })
    }
  }
  return [...found.values()].toSorted((a, b) => b.dimensions.length - a.dimensions.length)
}

function subsets(dimensions: readonly string[]): readonly (readonly string[])[] {
  const pairs = dimensions.flatMap((first, index) => dimensions.slice(index + 1).map((second) => [first, second]))
  const singles = dimensions.map((name) => [name])
  return [dimensions, ...(dimensions.length <= MAX_PAIRED ? pairs : []), ...singles, []]
}

/** Of the tables of the same cells that have all of a group's dimensions, the one with the fewest. */
function smallestParent(
  tables: readonly CoarseTable[],
  { axis, covering, dimensions }: Group,
): CoarseTable | undefined {
  return tables
    .filter((table) => table.axis === axis && table.covering.table.name === covering.table.name)
    .filter((table) => dimensions.every((name) => table.dimensions.includes(name)))
    .toSorted((a, b) => a.dimensions.length - b.dimensions.length)[0]
}

function nameOf(plan: Plan, { dimensions, covering }: Group, lengthMs: number, taken: readonly CoarseTable[]): string {
  const { table } = covering
  const length = LENGTHS.find(([, ms]) => ms === lengthMs)?.[0] ?? ''
  const by = dimensions.length === 0 ? '_in_all' : `_by_${dimensions.join('_')}`
  const name = `tidemark_cells_${length}_${table.name}${dimensions.length === table.dimensions.length ? '' : by}`
  if (name.length <= MAX_NAME_BYTES && taken.every((other) => other.name !== name)) return name
  const key = JSON.stringify([plan.name, length, table.name, dimensions])
  return `${name.slice(0, MAX_NAME_BYTES - 9)}_${hashText(key).toString(16).padStart(8, '0')}`
}
