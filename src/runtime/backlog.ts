/**
 * Changes that wait for a sink: while PostgreSQL is away, results go on changing and only the newest value of each cell
 * is kept.
 *
 * B1  A cell waits at most once, with its newest value.
 * B2  `take` empties the backlog: every row is handed out once.
 * B3  `size` is the number of waiting rows: whoever feeds a backlog stops at a limit of its own.
 * B4  Memory follows `size`, however long a sink is away: a waiting row keeps the whole change set it came in, so
 *     waiting rows are copied together once they are less than half of what is kept.
 */
import type { CellChanges, ChangeSet, LedgerChanges } from '../pipeline/cells.ts'
import type { EventClass, StreamName } from '../pipeline/plan.ts'

// Copying a few rows is not worth it.
const SPARE_ROWS = 4_096

interface CellRow {
  readonly changes: CellChanges
  readonly row: number
}

interface LedgerRow {
  readonly changes: LedgerChanges
  readonly row: number
}

export class Backlog {
  #cells = new Map<string, Map<string, CellRow>>()
  #ledger = new Map<string, LedgerRow>()
  #heldRows = 0

  /** Rows of all change sets that waiting rows keep in memory (B4). */
  get heldRows(): number {
    return this.#heldRows
  }

  /** Waiting rows. */
  get size(): number {
    let size = this.#ledger.size
    for (const rows of this.#cells.values()) size += rows.size
    return size
  }

  /** Adds newer values. */
  add(changes: ChangeSet): void {
    this.#merge(changes)
    if (this.#heldRows > 2 * this.size + SPARE_ROWS) this.#merge(this.take())
  }

  /** Empties the backlog into one change set. */
  take(): ChangeSet {
    const cells = [...this.#cells].map(([rollUp, rows]) => compactCells(rollUp, [...rows.values()]))
    const ledger = compactLedger([...this.#ledger.values()])
    this.#cells = new Map()
    this.#ledger = new Map()
    this.#heldRows = 0
    return { cells, ledger }
  }

  #merge(changes: ChangeSet): void {
    this.#heldRows += rowsOf(changes)
    for (const cells of changes.cells) {
      let rows = this.#cells.get(cells.rollUp)
      if (rows === undefined) this.#cells.set(cells.rollUp, (rows = new Map()))
      for (let row = 0; row < cells.count; row++) rows.set(cellKey(cells, row), { changes: cells, row })
    }
    const { ledger } = changes
    for (let row = 0; row < ledger.count; row++) this.#ledger.set(ledgerKey(ledger, row), { changes: ledger, row })
  }
}

/** Rows of a change set: cells of all roll-ups and of the ledger. */
export function rowsOf(changes: ChangeSet): number {
  return changes.cells.reduce((sum, cells) => sum + cells.count, changes.ledger.count)
}

function cellKey(cells: CellChanges, row: number): string {
  let key = String(cells.windowStartMs[row])
  for (const texts of cells.dimensions) {
    const text = texts[row] ?? ''
    key += `\u0000${text}`
  }
  return key
}

function ledgerKey(ledger: LedgerChanges, row: number): string {
  return `${ledger.windowStartMs[row]}\u0000${ledger.stream[row]}\u0000${ledger.eventClass[row]}`
}

function compactCells(rollUp: string, rows: readonly CellRow[]): CellChanges {
  const [first] = rows
  const pick = <T>(read: (row: CellRow) => T): T[] => rows.map(read)
  return {
    rollUp,
    count: rows.length,
    windowStartMs: pick(({ changes, row }) => changes.windowStartMs[row] ?? NaN),
    dimensions: (first?.changes.dimensions ?? []).map((_, d) =>
      pick(({ changes, row }) => changes.dimensions[d]?.[row] ?? ''),
    ),
    impressions: pick(({ changes, row }) => changes.impressions[row] ?? 0),
    clicks: pick(({ changes, row }) => changes.clicks[row] ?? 0),
    sumsMicros: (first?.changes.sumsMicros ?? []).map((_, sum) =>
      pick(({ changes, row }) => changes.sumsMicros[sum]?.[row] ?? 0n),
    ),
    isFinal: pick(({ changes, row }) => changes.isFinal[row] ?? false),
    removed: pick(({ changes, row }) => changes.removed[row] ?? false),
  }
}

function compactLedger(rows: readonly LedgerRow[]): LedgerChanges {
  return {
    count: rows.length,
    windowStartMs: rows.map(({ changes, row }) => changes.windowStartMs[row] ?? NaN),
    stream: rows.map(({ changes, row }): StreamName => changes.stream[row] ?? 'impressions'),
    eventClass: rows.map(({ changes, row }): EventClass => changes.eventClass[row] ?? 'counted'),
    events: rows.map(({ changes, row }) => changes.events[row] ?? 0),
  }
}
