/**
 * The counts: the ledger, and the cells of every table of the plan.
 *
 * Y1  A counted click is put under the minute and the dimensions of its impression; on the click axis under its own
 *     minute and the same dimensions. So the totals of both axes are equal.
 * Y2  Nothing is a row until something was counted in it: no row of 0 events, no click minute of 0 clicks.
 * Y3  Sums are exact and do not depend on the order of events.
 * Y4  A cell is final when W ≥ window_end + A + L (`finalAfterMs`).
 */
import type { CellChanges } from '../pipeline/cells.ts'
import {
  EVENT_CLASSES,
  finalAfterMs,
  STREAM_NAMES,
  summedFields,
  type EventClass,
  type Plan,
  type StreamName,
  type TablePlan,
} from '../pipeline/plan.ts'
import {
  cellRowFormatter,
  formatTimestamp,
  rowComparator,
  type TextRow,
  type TextTables,
} from '../pipeline/table-text.ts'
import { windowStartOf } from '../time/window.ts'

/** Events of one stream: how many were read, and how many ended in each class. */
export interface StreamTotals {
  readonly read: number
  readonly classes: Readonly<Record<EventClass, number>>
}

/** Events of both streams. */
export type Totals = Readonly<Record<StreamName, StreamTotals>>

/** What an impression adds to its cells. */
interface CountedImpression {
  readonly timeMs: number
  readonly dimensions: readonly string[]
  readonly sumsMicros: readonly number[]
}

export class Tally {
  readonly #plan: Plan
  readonly #read: Record<StreamName, number> = { impressions: 0, clicks: 0 }
  readonly #ledger: Readonly<Record<StreamName, LedgerOfStream>> = { impressions: newLedger(), clicks: newLedger() }
  readonly #cells: readonly TableCells[]

  /** @param watermarkMs W when all is counted */
  constructor(plan: Plan, watermarkMs: number) {
    this.#plan = plan
    this.#cells = plan.tables.map((table) => new TableCells(plan, table, watermarkMs))
  }

  /** Counts a record that was read, whatever becomes of it. */
  countRead(stream: StreamName): void {
    this.#read[stream]++
  }

  /** Counts an event in its class, under the window of `timeMs`. */
  countEvent(stream: StreamName, eventClass: EventClass, timeMs: number): void {
    const byWindow = this.#ledger[stream][eventClass]
    const windowStartMs = windowStartOf(timeMs, this.#plan.parameters.windowSizeMs)
    byWindow.set(windowStartMs, (byWindow.get(windowStartMs) ?? 0) + 1)
  }

  /** Counts an accepted impression and its counted click, if it has one, in the cells of every table. */
  countCells(impression: CountedImpression, clickMs: number | undefined): void {
    for (const cells of this.#cells) cells.add(impression, clickMs)
  }

  /** Every table of the plan and the ledger. */
  tables(): TextTables {
    const tables = this.#cells.map((cells): [string, readonly TextRow[]] => [cells.table.name, cells.rows()])
    return new Map([...tables, [this.#plan.ledger.name, this.#ledgerRows()]])
  }

  totals(): Totals {
    return { impressions: this.#totalsOf('impressions'), clicks: this.#totalsOf('clicks') }
  }

  #totalsOf(stream: StreamName): StreamTotals {
    const classes = Object.entries(this.#ledger[stream]).map(([name, byWindow]) => [name, sumOf(byWindow.values())])
    return { read: this.#read[stream], classes: Object.fromEntries(classes) as Record<EventClass, number> }
  }

  #ledgerRows(): readonly TextRow[] {
    const rows: TextRow[] = []
    for (const stream of STREAM_NAMES) {
      for (const eventClass of EVENT_CLASSES) {
        for (const [windowStartMs, events] of this.#ledger[stream][eventClass])
          rows.push([stream, formatTimestamp(windowStartMs), eventClass, String(events)])
      }
    }
    return rows.sort(rowComparator(this.#plan.ledger))
  }
}

/** For each class the start of a window to the number of events under it. */
type LedgerOfStream = Readonly<Record<EventClass, Map<number, number>>>

function newLedger(): LedgerOfStream {
  return Object.fromEntries(EVENT_CLASSES.map((name) => [name, new Map()])) as Record<EventClass, Map<number, number>>
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}

// Ends each text of a key: no text holds U+0000.
const END = '\0'

/** The cells of one table. A row of its columns is a cell. */
class TableCells {
  readonly table: TablePlan
  readonly #plan: Plan
  /** Places of the table's dimensions among those of the plan. */
  readonly #dimensions: readonly number[]
  /** Start of the window, then the texts. */
  readonly #rows = new Map<number, Map<string, number>>()
  readonly #known = new Map<string, string>()
  readonly #windowStartMs: number[] = []
  readonly #texts: readonly string[][]
  readonly #impressions: number[] = []
  readonly #clicks: number[] = []
  readonly #sumsMicros: readonly bigint[][]
  readonly #watermarkMs: number

  constructor(plan: Plan, table: TablePlan, watermarkMs: number) {
    this.#watermarkMs = watermarkMs
    this.table = table
    this.#plan = plan
    this.#dimensions = table.dimensions.map((name) => plan.dimensions.findIndex((dimension) => dimension.name === name))
    this.#texts = table.dimensions.map(() => [])
    this.#sumsMicros = summedFields(plan).map(() => [])
  }

  add(impression: CountedImpression, clickMs: number | undefined): void {
    if (this.table.axis === 'click') {
      if (clickMs !== undefined) this.#addTo(this.#rowOf(clickMs, impression), 0, 1)
      return
    }
    const row = this.#rowOf(impression.timeMs, impression)
    this.#addTo(row, 1, clickMs === undefined ? 0 : 1)
    for (let i = 0; i < this.#sumsMicros.length; i++) {
      const sums = this.#sumsMicros[i] ?? []
      sums[row] = (sums[row] ?? 0n) + BigInt(impression.sumsMicros[i] ?? 0)
    }
  }

  /** The cells as text, in the order of the primary key. */
  rows(): readonly TextRow[] {
    const count = this.#windowStartMs.length
    const { parameters } = this.#plan
    const finalAfterStartMs = parameters.windowSizeMs + finalAfterMs(parameters)
    const cells: CellChanges = {
      rollUp: this.table.name,
      count,
      windowStartMs: this.#windowStartMs,
      dimensions: this.#texts,
      impressions: this.#impressions,
      clicks: this.#clicks,
      sumsMicros: this.#sumsMicros,
      isFinal: this.#windowStartMs.map((startMs) => this.#watermarkMs >= startMs + finalAfterStartMs),
      removed: new Array<boolean>(count).fill(false),
    }
    const format = cellRowFormatter(this.#plan, this.table)
    const inOrder = rowComparator(this.table)
    const windows = [...this.#rows].sort(([a], [b]) => a - b)
    return windows.flatMap(([, rows]) => [...rows.values()].map((row) => format(cells, row)).sort(inOrder))
  }

  #addTo(row: number, impressions: number, clicks: number): void {
    this.#impressions[row] = (this.#impressions[row] ?? 0) + impressions
    this.#clicks[row] = (this.#clicks[row] ?? 0) + clicks
  }

  /** The row of the cell for `timeMs` and the impression's dimensions. */
  #rowOf(timeMs: number, impression: CountedImpression): number {
    const windowStartMs = windowStartOf(timeMs, this.#plan.parameters.windowSizeMs)
    let rows = this.#rows.get(windowStartMs)
    if (rows === undefined) this.#rows.set(windowStartMs, (rows = new Map()))
    let key = ''
    for (const place of this.#dimensions) key += impression.dimensions[place] + END
    let row = rows.get(key)
    if (row === undefined) rows.set(key, (row = this.#newRow(windowStartMs, key)))
    return row
  }

  // Keeps one copy of each text, cut from the key: the impression's own may be slices of a whole record or block.
  #newRow(windowStartMs: number, key: string): number {
    const texts = key.split(END)
    for (const [i, column] of this.#texts.entries()) {
      const text = texts[i] ?? ''
      const known = this.#known.get(text)
      if (known === undefined) this.#known.set(text, text)
      column.push(known ?? text)
    }
    return this.#windowStartMs.push(windowStartMs) - 1
  }
}
