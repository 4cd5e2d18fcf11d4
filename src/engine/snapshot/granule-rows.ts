/**
 * Remembered events as sections: rows that are new, and what changed of older ones.
 *
 *   key, start, end, from, to    rows [from, to) of one granule follow, column by column
 *   changed rows                 impressions: the counted click's time; clicks: the standing
 *
 * R1  A row's columns never change but for those in the second part. So rows are saved once, with what changed after.
 * R2  The impression a click names is saved while an impression could still claim the click.
 */
import type { ClickGranule } from '../state/click-granule.ts'
import type { Granule } from '../state/granule.ts'
import type { ImpressionGranule } from '../state/impression-granule.ts'
import { type ByteReader, type ByteWriter, damaged } from './bytes.ts'
import { beginSection, endSection, SECTION } from './payload.ts'

const HEAD_BYTES = 40

/** Rough size of a saved row, bytes. */
export const IMPRESSION_ROW_BYTES = 22
export const CLICK_ROW_BYTES = 35

/** Where the rows of a section belong. */
export interface RowsHead {
  readonly key: number
  readonly startMs: number
  readonly endMs: number
  readonly from: number
  readonly to: number
}

export function readHead(body: ByteReader): RowsHead {
  const head = { key: body.u32(), startMs: body.f64(), endMs: body.f64(), from: body.u32(), to: body.u32() }
  if (head.to < head.from || head.key === 0) throw damaged('rows of a granule have no place')
  return head
}

/** Rows of a granule that no snapshot has yet, and older ones that changed; `undefined` when there are none. */
export function newImpressionRows(granule: ImpressionGranule): Uint8Array | undefined {
  const isNew = !granule.unsaved.isTracked
  const changed = granule.unsaved.take()
  const from = granule.savedRows
  granule.savedRows = granule.count
  if (from === granule.count && changed.length === 0) return undefined
  return impressionRows(granule, from, isNew ? granule.countedRows() : changed)
}

/** All rows of a granule. */
export function allImpressionRows(granule: ImpressionGranule): Uint8Array {
  return impressionRows(granule, 0, granule.countedRows())
}

function impressionRows(granule: ImpressionGranule, from: number, counted: Int32Array): Uint8Array {
  const rows = granule.count - from
  const writer = beginRows(SECTION.impressionRows, granule, from, rows * IMPRESSION_ROW_BYTES + counted.length * 10)
  writer.column(granule.combination, from, granule.count)
  writer.u32(counted.length)
  writer.column(Uint16Array.from(counted))
  writer.column(granule.countedMsOf(counted))
  return endSection(writer)
}

/** Writes rows of a section into the columns of their granule. */
export function restoreImpressionRows(granule: ImpressionGranule, { from, to }: RowsHead, body: ByteReader): void {
  body.into(granule.ids, from * 4, to * 4)
  body.into(granule.timeOffsetMs, from, to)
  body.into(granule.combination, from, to)
  const changed = new Uint16Array(body.u32())
  body.into(changed)
  for (const row of changed) {
    const countedMs = body.f64()
    if (!Number.isNaN(countedMs) || !Number.isNaN(granule.countedMs(row))) granule.setCountedMs(row, countedMs)
  }
}

/** As {@link newImpressionRows}, of clicks. */
export function newClickRows(granule: ClickGranule, isClaimable: (row: number) => boolean): Uint8Array | undefined {
  const from = granule.savedRows
  const changed = granule.unsaved.take().filter((row) => row < from)
  granule.savedRows = granule.count
  if (from === granule.count && changed.length === 0) return undefined
  return clickRows(granule, from, changed, isClaimable)
}

/** All rows of a granule. */
export function allClickRows(granule: ClickGranule, isClaimable: (row: number) => boolean): Uint8Array {
  return clickRows(granule, 0, new Int32Array(0), isClaimable)
}

function clickRows(
  granule: ClickGranule,
  from: number,
  changed: Int32Array,
  isClaimable: (row: number) => boolean,
): Uint8Array {
  const rows = granule.count - from
  const writer = beginRows(SECTION.clickRows, granule, from, rows * (CLICK_ROW_BYTES + 1) + changed.length * 3)
  writer.column(granule.standing, from, granule.count)
  const claimable = new Uint8Array(rows)
  const impressionIds = new Int32Array(rows * 4)
  let end = 0
  for (let i = 0; i < rows; i++) {
    if (!isClaimable(from + i)) continue
    claimable[i] = 1
    for (let lane = 0; lane < 4; lane++) impressionIds[end++] = granule.impressionIds[(from + i) * 4 + lane] as number
  }
  writer.column(claimable)
  writer.column(impressionIds, 0, end)
  writer.u32(changed.length)
  for (const row of changed) writer.u16(row)
  for (const row of changed) writer.u8(granule.standing[row] as number)
  return endSection(writer)
}

/** As {@link restoreImpressionRows}, of clicks. */
export function restoreClickRows(granule: ClickGranule, { from, to }: RowsHead, body: ByteReader): void {
  body.into(granule.ids, from * 4, to * 4)
  body.into(granule.timeOffsetMs, from, to)
  body.into(granule.standing, from, to)
  const claimable = body.bytes(to - from)
  for (let i = 0; i < claimable.length; i++)
    if (claimable[i] === 1) body.into(granule.impressionIds, (from + i) * 4, (from + i) * 4 + 4)
  const changed = new Uint16Array(body.u32())
  body.into(changed)
  for (const row of changed) granule.standing[row] = body.u8()
}

function beginRows(kind: number, granule: Granule, from: number, likelyBytes: number): ByteWriter {
  const writer = beginSection(kind, HEAD_BYTES + likelyBytes)
  writer.u32(granule.key)
  writer.f64(granule.startMs)
  writer.f64(granule.endMs)
  writer.u32(from)
  writer.u32(granule.count)
  writer.column(granule.ids, from * 4, granule.count * 4)
  writer.column(granule.timeOffsetMs, from, granule.count)
  return writer
}
