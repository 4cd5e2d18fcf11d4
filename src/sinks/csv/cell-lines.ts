/**
 * Final cells of one table as lines of its CSV file.
 */
import { TidemarkError } from '../../errors.ts'
import { type CellChanges, measureReader, type MeasureReader } from '../../pipeline/cells.ts'
import type { Plan, TablePlan } from '../../pipeline/plan.ts'
import { formatMeasure, formatTimestamp, textColumns } from '../../pipeline/table-text.ts'
import { isFinal, sortedRows } from '../sorted-rows.ts'
import { csvField, csvRecord } from './csv-row.ts'
import type { WholeFile } from './whole-file.ts'

/** Appends the final cells of one table, window after window. */
export class CellLines {
  readonly #table: TablePlan
  readonly #file: WholeFile
  readonly #measures: readonly MeasureReader[]
  readonly #windowSizeMs: number
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
  }

  #writeCells(cells: CellChanges, endedMs: number): void {
    let windowMs = NaN
    let windowText = ''
    for (const row of sortedRows(cells, isFinal)) {
      const startMs = cells.windowStartMs[row] ?? NaN
      if (startMs !== windowMs) {
        this.#checkOrder(startMs, endedMs)
        windowMs = startMs
        windowText = `${formatTimestamp(startMs)},${formatTimestamp(startMs + this.#windowSizeMs)}`
      }
      let line = ''
      for (const texts of cells.dimensions) line += `${csvField(texts[row] ?? '')},`
      line += windowText
      for (const read of this.#measures) line += `,${formatMeasure(read(cells, row))}`
      this.#file.append(`${line},true\n`)
    }
    if (!Number.isNaN(windowMs)) this.#lastWindowMs = windowMs
  }

  #checkOrder(startMs: number, endedMs: number): void {
    if (startMs > endedMs) return
    const window = formatTimestamp(startMs)
    throw new TidemarkError('INTERNAL', `Table "${this.#table.name}": the final window ${window} came out of order.`)
  }
}
