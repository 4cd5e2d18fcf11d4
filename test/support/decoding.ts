/**
 * Rows of batches as plain data, and the general parser as a decoder of its own: what tests compare.
 */
import { createBatch, createDictionaries, MAX_RECORD_BYTES } from '../../src/engine/decode/decoder.ts'
import type { Dictionary } from '../../src/engine/decode/dictionary.ts'
import { IdHash } from '../../src/engine/decode/id-hash.ts'
import { RecordParser } from '../../src/engine/decode/json-record.ts'
import { knownFields } from '../../src/engine/decode/record-fields.ts'
import { MALFORMED_REASONS, type EventBatch } from '../../src/engine/event-batch.ts'
import type { Plan, StreamName } from '../../src/pipeline/plan.ts'

export const ID_KEY: Int32Array = Int32Array.of(0x1b873593, -0x5ab9d2f, 77, 0x2545f491)

/** What a row says, with codes as texts. Value columns are left out where the row is malformed. */
export interface Row {
  readonly position: number
  readonly record: string
  readonly malformed: string
  readonly field: string | undefined
  readonly timeMs?: number
  readonly id?: string
  readonly impressionId?: string
  readonly dimensions?: readonly string[]
  readonly sumsMicros?: readonly number[]
}

/** Rows of `batch`, whose records are in `block`. */
export function rowsOf(
  batch: EventBatch,
  block: Uint8Array,
  plan: Plan,
  stream: StreamName,
  dictionaries: readonly Dictionary[],
): Row[] {
  return Array.from({ length: batch.count }, (_, row) => {
    const malformed = MALFORMED_REASONS[batch.malformed[row] ?? 0] ?? 'none'
    const place = {
      position: batch.position[row] ?? NaN,
      record: latin1(block.subarray(batch.byteStart[row], batch.byteEnd[row])),
      malformed,
      field: plan.streams[stream].fields[batch.malformedField[row] ?? 255]?.name,
    }
    if (malformed !== 'none') return place
    const lanes = batch.impressionId.subarray(row * 4, row * 4 + 4)
    return {
      ...place,
      timeMs: batch.timeMs[row] ?? NaN,
      id: batch.id.subarray(row * 4, row * 4 + 4).join(),
      impressionId: lanes.join(),
      dimensions: batch.dimensions.map((codes, i) => dictionaries[i]?.textOf(codes[row] ?? -1) ?? '?'),
      sumsMicros: batch.sumsMicros.map((micros) => micros[row] ?? NaN),
    }
  })
}

/** One character a byte, cut so that a failure can be read. */
export function latin1(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 2000), (byte) => String.fromCharCode(byte)).join('')
}

/** Rows of LF-terminated lines by the general parser alone, line by line. */
export function parseLines(block: Uint8Array, plan: Plan, stream: StreamName): Row[] {
  const dictionaries = createDictionaries(plan, 3)
  const parser = new RecordParser(knownFields(plan, stream), dictionaries, new IdHash(ID_KEY))
  const rows: Row[] = []
  let start = 0
  for (let position = 1; start < block.length; position++) {
    const lineEnd = block.indexOf(0x0a, start)
    if (lineEnd < 0) break
    const [from, to] = trimmed(block, start, lineEnd)
    start = lineEnd + 1
    if (from === to) continue
    const batch = createBatch(plan, stream, 1)
    batch.count = 1
    batch.position[0] = position
    batch.byteStart[0] = from
    batch.byteEnd[0] = to
    if (to - from > MAX_RECORD_BYTES) batch.malformed[0] = MALFORMED_REASONS.indexOf('record_too_long')
    else parser.parse(block, from, to, batch, 0)
    rows.push(...rowsOf(batch, block, plan, stream, dictionaries))
  }
  return rows
}

function trimmed(block: Uint8Array, start: number, end: number): [number, number] {
  const space = new Set([0x20, 0x09, 0x0a, 0x0d])
  let from = start
  let to = end
  while (from < to && space.has(block[from] ?? 0)) from++
  while (to > from && space.has(block[to - 1] ?? 0)) to--
  return [from, to]
}
