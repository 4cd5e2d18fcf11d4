/**
 * Changed cells as columns of one table, in the order of its primary key.
 *
 * Rows go to the server sorted by key, in the byte order of UTF-8 like the index itself: writers that meet take their
 * locks in one order, and neighbours land on the same pages.
 */
import { formatMicros, measureReader, type CellChanges, type LedgerChanges } from '../../pipeline/cells.ts'
import type { Plan, TablePlan } from '../../pipeline/plan.ts'
import { compareUtf8, formatTimestamp } from '../../pipeline/table-text.ts'
import { isRemoved, type RowChoice, sortedRows } from '../sorted-rows.ts'
import { plainArray, textArray } from './array-literal.ts'

/** Writes rows `from` to `to` of one column as an array. */
export type ColumnWriter = (from: number, to: number) => string

/** Rows of one table, ready to be sent in chunks. */
export interface TableRows {
  readonly count: number
  /** One for each parameter of the statement. */
  readonly columns: readonly ColumnWriter[]
}

/** Rows of `cells` with all values, for `insert` and `upsert`. */
export function valueRows(plan: Plan, table: TablePlan, cells: CellChanges, choose: RowChoice): TableRows {
  const order = sortedRows(cells, choose)
  const readers = table.measures.map((name) => measureReader(plan, name))
  const columns = [
    ...dimensionColumns(cells, order),
    timeColumn(cells.windowStartMs, order),
    ...readers.map((read) => plainColumn(order, (row) => exactText(read(cells, row)))),
    plainColumn(order, (row) => cells.isFinal[row] ?? false),
  ]
  return { count: order.length, columns }
}

/** Amounts of rows of `cells` by the window and the dimensions, 0 where the cell is no more. */
export function amountRows(plan: Plan, measures: readonly string[], cells: CellChanges, choose: RowChoice): TableRows {
  const order = sortedRows(cells, choose)
  const readers = measures.map((name) => measureReader(plan, name))
  const columns = [
    timeColumn(cells.windowStartMs, order),
    ...dimensionColumns(cells, order),
    ...readers.map((read) => plainColumn(order, (row) => (isRemoved(cells, row) ? 0 : exactText(read(cells, row))))),
  ]
  return { count: order.length, columns }
}

/** Keys of rows of `cells`, for `remove`: the window first, then the dimensions. */
export function keyRows(cells: CellChanges, choose: RowChoice): TableRows {
  const order = sortedRows(cells, choose)
  return { count: order.length, columns: [timeColumn(cells.windowStartMs, order), ...dimensionColumns(cells, order)] }
}

/** Rows of the ledger: with their values where events were counted, else only their keys. */
export function ledgerRows(ledger: LedgerChanges, removed: boolean): TableRows {
  const order: number[] = []
  for (let row = 0; row < ledger.count; row++) if ((ledger.events[row] === 0) === removed) order.push(row)
  order.sort((a, b) => compareLedgerRows(ledger, a, b))
  const stream = textColumn(ledger.stream, order)
  const time = timeColumn(ledger.windowStartMs, order)
  const eventClass = textColumn(ledger.eventClass, order)
  if (removed) return { count: order.length, columns: [time, stream, eventClass] }
  const events = plainColumn(order, (row) => ledger.events[row] ?? 0)
  return { count: order.length, columns: [stream, time, eventClass, events] }
}

function compareLedgerRows(ledger: LedgerChanges, a: number, b: number): number {
  return (
    (ledger.windowStartMs[a] ?? 0) - (ledger.windowStartMs[b] ?? 0) ||
    compareUtf8(ledger.stream[a] ?? '', ledger.stream[b] ?? '') ||
    compareUtf8(ledger.eventClass[a] ?? '', ledger.eventClass[b] ?? '')
  )
}

function dimensionColumns(cells: CellChanges, order: readonly number[]): readonly ColumnWriter[] {
  return cells.dimensions.map((texts) => textColumn(texts, order))
}

function textColumn(texts: readonly string[], order: readonly number[]): ColumnWriter {
  return (from, to) => textArray(to - from, (i) => texts[order[from + i] ?? 0] ?? '')
}

// Sorted by time, the same few times come again and again.
function timeColumn(timesMs: readonly number[], order: readonly number[]): ColumnWriter {
  return (from, to) => {
    let lastMs = NaN
    let lastText = ''
    return plainArray(to - from, (i) => {
      const timeMs = timesMs[order[from + i] ?? 0] ?? NaN
      if (timeMs !== lastMs) {
        lastMs = timeMs
        lastText = formatTimestamp(timeMs)
      }
      return lastText
    })
  }
}

function plainColumn(order: readonly number[], read: (row: number) => string | number | boolean | null): ColumnWriter {
  return (from, to) => plainArray(to - from, (i) => read(order[from + i] ?? 0))
}

function exactText(value: number | bigint | null): string | number | null {
  return typeof value === 'bigint' ? formatMicros(value) : value
}
