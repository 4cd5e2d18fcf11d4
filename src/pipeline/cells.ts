/**
 * What engines hand to sinks: absolute values of changed cells, column by column.
 *
 * C1  A row holds the whole value of its cell, never an increment: writing it twice changes nothing.
 * C2  A row marked `removed` is a cell that no longer exists (a click moved to another minute): the sink deletes it.
 * C3  Rows of one change set name each cell at most once. They are in no particular order.
 */
import type { EventClass, MeasurePlan, Plan, StreamName } from './plan.ts'
import { summedFields } from './plan.ts'

/** Changed cells of one roll-up. All arrays have the length `count`. */
export interface CellChanges {
  /** Name of the roll-up or table. */
  readonly rollUp: string
  readonly count: number
  /** Start of the window, ms since the epoch. */
  readonly windowStartMs: readonly number[]
  /** One array of texts for each dimension of the roll-up, in its order. */
  readonly dimensions: readonly (readonly string[])[]
  /** Counted impressions; 0 on the click axis. */
  readonly impressions: readonly number[]
  /** Counted clicks. */
  readonly clicks: readonly number[]
  /** One array for each field of `summedFields(plan)`: exact sums in millionths. */
  readonly sumsMicros: readonly (readonly bigint[])[]
  readonly isFinal: readonly boolean[]
  readonly removed: readonly boolean[]
}

/** Changed cells of the ledger. `events` 0 means that the row no longer exists. All arrays have the length `count`. */
export interface LedgerChanges {
  readonly count: number
  readonly windowStartMs: readonly number[]
  readonly stream: readonly StreamName[]
  readonly eventClass: readonly EventClass[]
  readonly events: readonly number[]
}

/** Everything that changed between two looks at an engine. */
export interface ChangeSet {
  readonly cells: readonly CellChanges[]
  readonly ledger: LedgerChanges
}

/** Reads one measure of row `row`: a number, exact micros as a bigint for sums, or null for a ratio over 0. */
export type MeasureReader = (cells: CellChanges, row: number) => number | bigint | null

/** How the measure `name` of `plan` is read from changed cells. */
export function measureReader(plan: Plan, name: string): MeasureReader {
  const measure = plan.measures.find((candidate) => candidate.name === name)
  if (measure === undefined) throw new RangeError(`the plan has no measure "${name}"`)
  if (measure.kind === 'ratio') return ratioReader(plan, measure)
  if (measure.kind === 'sum') {
    const index = summedFields(plan).indexOf(measure.field)
    return (cells, row) => cells.sumsMicros[index]?.[row] ?? 0n
  }
  return measure.of === 'impressions'
    ? (cells, row) => cells.impressions[row] ?? 0
    : (cells, row) => cells.clicks[row] ?? 0
}

function ratioReader(plan: Plan, measure: MeasurePlan & { kind: 'ratio' }): MeasureReader {
  const numerator = measureReader(plan, measure.numerator)
  const denominator = measureReader(plan, measure.denominator)
  return (cells, row) => ratioOf(numerator(cells, row), denominator(cells, row), measure.scale)
}

/**
 * `scale × numerator / denominator` as a double, null where the denominator is 0. Sums count in currency units.
 * The one definition of a ratio: every engine and every page must give this very double.
 */
export function ratioOf(
  numerator: number | bigint | null,
  denominator: number | bigint | null,
  scale: number,
): number | null {
  const top = toUnits(numerator)
  const bottom = toUnits(denominator)
  if (bottom === 0) return null
  return scale === 1 ? top / bottom : (scale * top) / bottom
}

function toUnits(value: number | bigint | null): number {
  return typeof value === 'bigint' ? Number(value) / 1_000_000 : (value ?? 0)
}

/** Millionths as a decimal with 6 places: 1500000n is `1.500000`. */
export function formatMicros(micros: bigint): string {
  const sign = micros < 0n ? '-' : ''
  const magnitude = micros < 0n ? -micros : micros
  // Numbers are written several times as fast as bigints.
  const digits = (magnitude <= MAX_EXACT ? Number(magnitude) : magnitude).toString()
  if (digits.length > 6) return `${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`
  return `${sign}0.${'0'.repeat(6 - digits.length)}${digits}`
}

const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER)
