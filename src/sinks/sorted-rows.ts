/**
 * Rows of changed cells in the order of a table's primary key: the window, then the dimensions in the byte order of
 * UTF-8.
 */
import type { CellChanges } from '../pipeline/cells.ts'
import { orderRows } from '../pipeline/row-order.ts'
import { compareUtf8 } from '../pipeline/table-text.ts'

/** Which rows of changed cells are wanted. */
export type RowChoice = (cells: CellChanges, row: number) => boolean

/** Rows that hold a value. */
export const isPresent: RowChoice = (cells, row) => cells.removed[row] !== true

/** Rows that say their cell is no more. */
export const isRemoved: RowChoice = (cells, row) => cells.removed[row] === true

/** Rows whose value never changes again. */
export const isFinal: RowChoice = (cells, row) => cells.isFinal[row] === true && cells.removed[row] !== true

/** Numbers of the chosen rows, sorted. Engines hand final windows out in order already: then nothing is sorted. */
export function sortedRows(cells: CellChanges, choose: RowChoice): number[] {
  const rows: number[] = []
  for (let row = 0; row < cells.count; row++) if (choose(cells, row)) rows.push(row)
  if (isInOrder(cells, rows)) return rows
  const order = orderRows(rows.length, [
    { numberOf: (i) => cells.windowStartMs[rows[i] as number] ?? 0 },
    ...cells.dimensions.map((texts) => ({
      textOf: (i: number) => texts[rows[i] as number] ?? '',
    })),
  ])
  return Array.from(order, (i) => rows[i] as number)
}

function isInOrder({ windowStartMs, dimensions }: CellChanges, rows: readonly number[]): boolean {
  for (let i = 1; i < rows.length; i++) {
    const before = rows[i - 1] as number
    const row = rows[i] as number
    let order = (windowStartMs[before] ?? 0) - (windowStartMs[row] ?? 0)
    for (let d = 0; order === 0 && d < dimensions.length; d++) {
      const a = dimensions[d]?.[before] ?? ''
      const b = dimensions[d]?.[row] ?? ''
      order = a === b ? 0 : compareUtf8(a, b)
    }
    if (order > 0) return false
  }
  return true
}
