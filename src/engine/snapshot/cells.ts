/**
 * Cells as sections: the values of one window, by key.
 *
 * C1  Values are absolute; a key whose cell is gone is written as zeros. Keys are ascending: each is written as the
 *     distance from the one before.
 * C2  Differences that wait to be taken over are those of the moment. Cells of a roll-up never wait to be handed out:
 *     whatever takes differences over hands out what they changed.
 */
import type { CellBlock } from '../state/cell-block.ts'
import type { Windows } from '../state/windows.ts'
import type { ByteReader } from './bytes.ts'
import { beginSection, endSection, SECTION } from './payload.ts'

/** Rough size of a saved cell, bytes. */
export function cellBytes(sumCount: number): number {
  return 4 + 6 * sumCount
}

/** Cells of a window that changed since the last call, all at the first; `undefined` when there are none. */
export function newCells(rollUp: number, block: CellBlock): Uint8Array | undefined {
  const isNew = !block.unsaved.isTracked
  const unsaved = block.takeUnsaved()
  const keys = isNew ? filledKeys(block) : unsaved
  return keys.length === 0 ? undefined : cellSection(SECTION.cells, rollUp, block, keys)
}

/** All cells of a window. */
export function allCells(rollUp: number, block: CellBlock): Uint8Array {
  return cellSection(SECTION.cells, rollUp, block, filledKeys(block))
}

/** All differences of a window. */
export function differences(axis: number, block: CellBlock): Uint8Array {
  return cellSection(SECTION.differences, axis, block, filledKeys(block))
}

function filledKeys(block: CellBlock): Int32Array {
  const { impressions, clicks, end } = block
  const cells = new Int32Array(end)
  let count = 0
  for (let cell = 0; cell < end; cell++) if (impressions[cell] !== 0 || clicks[cell] !== 0) cells[count++] = cell
  const filled = cells.subarray(0, count)
  return block.shape.isDirect ? filled : filled.map((cell) => block.keyOf(cell)).sort()
}

function cellSection(kind: number, owner: number, block: CellBlock, keys: Int32Array): Uint8Array {
  const writer = beginSection(kind, 16 + keys.length * (8 + 3 * cellBytes(block.sumLow.length)))
  writer.u32(owner)
  writer.f64(block.startMs)
  writer.u32(keys.length)
  writer.ascending(keys)
  const cells = block.findAll(keys)
  const { impressions, clicks, sumLow, sumHigh } = block
  for (const column of [impressions, clicks, ...sumLow, ...sumHigh]) writer.varintsOf(column, cells)
  if (sumHigh.length === 0) writer.zeroVarints(keys.length * sumLow.length)
  return endSection(writer)
}

/** Takes over the cells of a section; `windowsOf` gives those of an owner, or nothing for a window that has gone. */
export function restoreCells(
  body: ByteReader,
  windowsOf: (owner: number, startMs: number) => Windows | undefined,
): void {
  const owner = body.u32()
  const startMs = body.f64()
  const windows = windowsOf(owner, startMs)
  if (windows === undefined) return
  const block = windows.at(startMs)
  const keys = new Int32Array(body.u32())
  body.intoVarints(keys)
  for (let i = 1; i < keys.length; i++) keys[i] = (keys[i] as number) + (keys[i - 1] as number)
  const columns = Array.from({ length: 2 + 2 * block.sumLow.length }, () => new Float64Array(keys.length))
  for (const column of columns) body.intoVarints(column)
  // One by one: a block makes room for a key by letting go of cells that are empty.
  for (let i = 0; i < keys.length; i++) block.restore(keys[i] as number, columns, i)
}
