/**
 * Final cells of one table as lines of its CSV file.
 */
import { TidemarkError } from '../../errors.ts'
import { type CellChanges, measureReader, type MeasureReader } from '../../pipeline/cells.ts'
import type { Plan, TablePlan } from '../../pipeline/plan.ts'
import { formatMeasure, formatTimestamp, textColumns } from '../../pipeline/table-text.ts'
import { isFinal, sortedRows } from '../sorted-rows.ts'
import { csvField, csvRecord } from './csv-row.ts'
import { MAX_NUMBER_BYTES, RecordBytes } from './record-bytes.ts'
import type { WholeFile } from './whole-file.ts'

const FLUSH_BYTES = 1 << 18
const MAX_CACHED_TEXTS = 100_000
const FINAL_LINE_END = Buffer.from(',true\n')

/** Appends the final cells of one table, window after window. */
export class CellLines {
  readonly #table: TablePlan
  readonly #file: WholeFile
  readonly #measures: readonly MeasureReader[]
  readonly #windowSizeMs: number
  readonly #record = new RecordBytes(FLUSH_BYTES * 2)
  /** Fields as they stand in the file, by text. */
  readonly #fields = new Map<string, Uint8Array>()
  #lastWindowMs = -Infinity

  constructor(plan: Plan, table: TablePlan, file: WholeFile) {
    this.#table = table
    this.#file = file
    this.#measures = table.measures.map((name) => measureReader(plan, name))
    this.#windowSizeMs = plan.parameters.windowSizeMs
    file.append(csvRecord(textColumns(table).map((column) => column.name)))
  }

  /** Takes the final cells of this table out of a change set. */
  write(changes: readonly CellChanges[]): void {
    const endedMs = this.#lastWindowMs
    for (const cells of changes) if (cells.rollUp === this.#table.name) this.#writeCells(cells, endedMs)
    this.#flush()
  }

  #writeCells(cells: CellChanges, endedMs: number): void {
    let windowMs = NaN
    let window: Uint8Array = FINAL_LINE_END
    for (const row of sortedRows(cells, isFinal)) {
      const startMs = cells.windowStartMs[row] ?? NaN
      if (startMs !== windowMs) {
        this.#checkOrder(startMs, endedMs)
        windowMs = startMs
        window = Buffer.from(`${formatTimestamp(startMs)},${formatTimestamp(startMs + this.#windowSizeMs)}`)
      }
      this.#writeRow(cells, row, window)
    }
    if (!Number.isNaN(windowMs)) this.#lastWindowMs = windowMs
  }

  #writeRow(cells: CellChanges, row: number, window: Uint8Array): void {
    const record = this.#record
    for (const texts of cells.dimensions) {
      const field = this.#fieldOf(texts[row] ?? '')
      record.ensure(field.length + 1)
      record.put(field)
      record.comma()
    }
    record.ensure(window.length + FINAL_LINE_END.length + this.#measures.length * MAX_NUMBER_BYTES)
    record.put(window)
    for (const read of this.#measures) {
      record.comma()
      this.#writeMeasure(read(cells, row))
    }
    record.put(FINAL_LINE_END)
    if (record.length >= FLUSH_BYTES) this.#flush()
  }

  #writeMeasure(value: number | bigint | null): void {
    const record = this.#record
    if (value === null) return
    if (typeof value === 'number' && Number.isInteger(value) && value < Number.MAX_SAFE_INTEGER) record.whole(value)
    else if (typeof value === 'bigint' && value >= 0n && value <= MAX_SAFE_MICROS) record.millionths(Number(value))
    else record.ascii(formatMeasure(value))
  }

  #fieldOf(text: string): Uint8Array {
    const known = this.#fields.get(text)
    if (known !== undefined) return known
    if (this.#fields.size >= MAX_CACHED_TEXTS) this.#fields.clear()
    const field = Buffer.from(csvField(text))
    this.#fields.set(text, field)
    return field
  }

  #flush(): void {
    const record = this.#record
    if (record.length === 0) return
    this.#file.appendBytes(record.bytes.subarray(0, record.length))
    record.length = 0
  }

  #checkOrder(startMs: number, endedMs: number): void {
    if (startMs > endedMs) return
    const window = formatTimestamp(startMs)
    throw new TidemarkError('INTERNAL', `Table "${this.#table.name}": the final window ${window} came out of order.`)
  }
}

const MAX_SAFE_MICROS = BigInt(Number.MAX_SAFE_INTEGER)
