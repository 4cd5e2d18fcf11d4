/**
 * Rows of tables as text: one form for CSV files, truth files, comparison and messages.
 *
 * T1  Columns are those of the plan in its order, without `updated_at`.
 * T2  Equal cells have equal text: times as `2026-01-01T00:00:00.000Z`, doubles as the shortest decimal that reads
 *     back, money with 6 decimals, null as the empty text, booleans as true or false.
 * T3  Rows are sorted by primary key, texts in the byte order of UTF-8.
 */
import { formatMicros, measureReader, type CellChanges, type LedgerChanges } from './cells.ts'
import type { ColumnPlan, LedgerTablePlan, Plan, TablePlan } from './plan.ts'

/** One row: the texts of {@link textColumns}, in order. */
export type TextRow = readonly string[]

/** Table name to its rows, sorted by primary key. */
export type TextTables = ReadonlyMap<string, readonly TextRow[]>

/** The columns that are compared and written to files: all but `updated_at`. */
export function textColumns(table: TablePlan | LedgerTablePlan): readonly ColumnPlan[] {
  return table.columns.filter((column) => column.name !== 'updated_at')
}

/** Every table of a plan, the ledger last. */
export function allTables(plan: Plan): readonly (TablePlan | LedgerTablePlan)[] {
  return [...plan.tables, plan.ledger]
}

/** `2026-01-01T00:00:00.000Z` for milliseconds since the epoch. */
export function formatTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** A measure's value as text: digits, 6 decimals for micros (bigint), the shortest decimal, or nothing for null. */
export function formatMeasure(value: number | bigint | null): string {
  if (value === null) return ''
  return typeof value === 'bigint' ? formatMicros(value) : String(value)
}

/** Writes row `row` of changed cells as text. Made once per table: the readers of its measures are looked up here. */
export function cellRowFormatter(plan: Plan, table: TablePlan): (cells: CellChanges, row: number) => TextRow {
  const readers = table.measures.map((name) => measureReader(plan, name))
  const windowSizeMs = plan.parameters.windowSizeMs
  // Rows come window by window, and writing a time costs as much as the rest of a row.
  let window = { startMs: NaN, texts: ['', ''] }
  return (cells, row) => {
    const startMs = cells.windowStartMs[row] ?? NaN
    if (startMs !== window.startMs)
      window = { startMs, texts: [formatTimestamp(startMs), formatTimestamp(startMs + windowSizeMs)] }
    return [
      ...cells.dimensions.map((texts) => texts[row] ?? ''),
      ...window.texts,
      ...readers.map((read) => formatMeasure(read(cells, row))),
      String(cells.isFinal[row] ?? false),
    ]
  }
}

/** Row `row` of a changed ledger as text. */
export function formatLedgerRow(ledger: LedgerChanges, row: number): TextRow {
  return [
    ledger.stream[row] ?? '',
    formatTimestamp(ledger.windowStartMs[row] ?? NaN),
    ledger.eventClass[row] ?? '',
    String(ledger.events[row] ?? 0),
  ]
}

/** Orders rows of one table by its primary key (T3). ISO times of one length order as text. */
export function rowComparator(table: TablePlan | LedgerTablePlan): (a: TextRow, b: TextRow) => number {
  const names = textColumns(table).map((column) => column.name)
  const keyIndexes = table.primaryKey.map((name) => names.indexOf(name))
  return (a, b) => {
    for (const index of keyIndexes) {
      const order = compareUtf8(a[index] ?? '', b[index] ?? '')
      if (order !== 0) return order
    }
    return 0
  }
}

/**
 * Sorts well-formed texts in place by their UTF-8 bytes. Below U+D800 that is the order of their UTF-16 units, which
 * the engine's own sort gives some ten times as fast as a comparison in JavaScript.
 */
export function sortUtf8(texts: string[]): string[] {
  return texts.some((text) => /[\ud800-\uffff]/.test(text)) ? texts.sort(compareUtf8) : texts.sort()
}

/** Compares two well-formed texts by their UTF-8 bytes, which is the order of their code points. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codePointRank(x) - codePointRank(y)
  }
  return a.length - b.length
}

// UTF-16 puts surrogates (code points above U+FFFF) before U+E000..U+FFFF; UTF-8 puts them after.
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
