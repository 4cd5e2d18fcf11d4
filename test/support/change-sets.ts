/**
 * Change sets written by hand, for tests of sinks.
 */
import type { CellChanges, ChangeSet, LedgerChanges } from '../../src/pipeline/cells.ts'
import type { EventClass, StreamName } from '../../src/pipeline/plan.ts'
import type { LiveEpoch } from '../../src/runtime/ports.ts'

/** 2026-01-01T00:00:00.000Z */
export const START_MS: number = Date.UTC(2026, 0, 1)

/** One cell; what is left out is 0 or false. */
export interface CellInput {
  readonly minute?: number
  readonly dimensions: readonly string[]
  readonly impressions?: number
  readonly clicks?: number
  readonly micros?: bigint
  readonly isFinal?: boolean
  readonly removed?: boolean
}

/** A cell of one campaign. */
export function campaign(name: string, rest: Partial<CellInput> = {}): CellInput {
  return { dimensions: [name], ...rest }
}

/** Changed cells of one roll-up with one summed field. */
export function cellChanges(rollUp: string, cells: readonly CellInput[]): CellChanges {
  const dimensionCount = cells[0]?.dimensions.length ?? 0
  return {
    rollUp,
    count: cells.length,
    windowStartMs: cells.map((cell) => START_MS + (cell.minute ?? 0) * 60_000),
    dimensions: Array.from({ length: dimensionCount }, (_, i) => cells.map((cell) => cell.dimensions[i] ?? '')),
    impressions: cells.map((cell) => cell.impressions ?? 0),
    clicks: cells.map((cell) => cell.clicks ?? 0),
    sumsMicros: [cells.map((cell) => cell.micros ?? 0n)],
    isFinal: cells.map((cell) => cell.isFinal ?? false),
    removed: cells.map((cell) => cell.removed ?? false),
  }
}

/** Changed rows of the ledger: minute, stream, class, events. */
export function ledgerChanges(rows: readonly (readonly [number, StreamName, EventClass, number])[]): LedgerChanges {
  return {
    count: rows.length,
    windowStartMs: rows.map(([minute]) => START_MS + minute * 60_000),
    stream: rows.map(([, stream]) => stream),
    eventClass: rows.map(([, , eventClass]) => eventClass),
    events: rows.map(([, , , events]) => events),
  }
}

/** An epoch of these changes, of which nothing else is known. */
export function epoch(number: number, cells: readonly CellChanges[], ledger?: LedgerChanges): LiveEpoch {
  const changes: ChangeSet = { cells, ledger: ledger ?? ledgerChanges([]) }
  return { number, watermarkMs: START_MS, changes, positions: {}, deadLetters: [] }
}
