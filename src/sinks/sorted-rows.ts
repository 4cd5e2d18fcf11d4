/**
 * Rows of changed cells in the order of a table's primary key: the window, then the dimensions in the byte order of
 * UTF-8.
 */
import type { CellChanges } from '../pipeline/cells.ts'
import { compareUtf8 } from '../pipeline/table-text.ts'

/** Which rows of changed cells are wanted. */
export type RowChoice = (cells: CellChanges, row: number) => boolean

/** Rows that hold a value. */
export const isPresent: RowChoice = (cells, row) => cells.removed[row] !== true

/** Rows that say their cell is no more. */
export const isRemoved: RowChoice = (cells, row) => cells.removed[row] === true

/** Rows whose value never changes again. */
export const isFinal: RowChoice = (cells, row) => cells.isFinal[row] === true && cells.removed[row] !== true

/** Numbers of the chosen rows, sorted. */
export function sortedRows(cells: CellChanges, choose: RowChoice): number[] {
  const order: number[] = []
  for (let row = 0; row < cells.count; row++) if (choose(cells, row)) order.push(row)
  const { windowStartMs, dimensions } = cells
  return order.sort((a, b) => {
    const byTime = (windowStartMs[a] ?? 0) - (windowStartMs[b] ?? 0)
    if (byTime !== 0) return byTime
    for (const texts of dimensions) {
      const byText = compareUtf8(texts[a] ?? '', texts[b] ?? '')
      if (byText !== 0) return byText
    }
    return 0
  })
}
