/**
 * A predicted layout: producers write every record with the same keys in the same order and spacing, so what stands
 * between the values repeats to the byte.
 *
 * L1  A layout is learned from a record that the general parser found sound: literal runs of bytes, and between them
 *     values that are strings or numbers. Anything else (null, booleans, nested values) is part of a literal.
 * L2  A record is decoded by a layout only when every literal is there byte by byte and every value is plain; so it is
 *     sound JSON with the same members, and its row is the one the general parser would give. On any surprise the
 *     layout says so, and what it wrote to the row so far is void.
 * L3  Nothing is allocated while decoding.
 */
import type { EventBatch } from '../event-batch.ts'
import type { Dictionary } from './dictionary.ts'
import { MAX_TRACKED_MEMBERS, NUMBER, STRING, type JsonScanner } from './json-scan.ts'
import type { KnownField } from './record-fields.ts'
import { hasLiteral, isPredictable, isSameSegment, makeSegment, type Segment } from './segment.ts'
import { OPERATIONS, operationFor } from './value-operations.ts'
import { NO_MATCH, type ValueReader } from './value-reader.ts'

const CLOSE = OPERATIONS.close

/** A learned layout, ready to decode. */
export class RecordLayout {
  /** Whether it ever decoded a record. */
  hasMatched = false
  readonly #reader: ValueReader
  readonly #segments: readonly Segment[]
  /** Dimensions and sums that no value goes to. */
  readonly #absentDimensions: readonly number[]
  readonly #absentSums: readonly number[]

  constructor(segments: readonly Segment[], reader: ValueReader, batch: EventBatch) {
    this.#segments = segments
    this.#reader = reader
    const fields = segments.map((segment) => segment.field)
    this.#absentDimensions = [...batch.dimensions.keys()].filter(
      (index) => !fields.some((field) => field?.dimensions.includes(index)),
    )
    this.#absentSums = [...batch.sumsMicros.keys()].filter((index) => !fields.some((field) => field?.sum === index))
  }

  /** Whether it decodes what these segments would, in the same way. */
  hasSegments(segments: readonly Segment[]): boolean {
    return (
      segments.length === this.#segments.length &&
      segments.every((segment, index) => isSameSegment(segment, this.#segments[index] as Segment))
    )
  }

  /**
   * Writes the record that starts at `start` to row `row`, if it follows the layout and ends before or at `end`.
   * `view` covers the same bytes as `bytes`.
   *
   * @returns the position after the record's closing brace, or {@link NO_MATCH}
   */
  decode(view: DataView, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): number {
    const segments = this.#segments
    const reader = this.#reader
    let pos = start
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i] as Segment
      if (pos + segment.needed > end || !hasLiteral(segment, view, bytes, pos)) return NO_MATCH
      pos += segment.length
      if (segment.operation === CLOSE) break
      pos = reader.read(segment, view, bytes, pos, end, batch, row)
      if (pos < 0) return NO_MATCH
    }
    for (const dimension of this.#absentDimensions) (batch.dimensions[dimension] as Int32Array)[row] = 0
    for (const sum of this.#absentSums) (batch.sumsMicros[sum] as Float64Array)[row] = 0
    return pos
  }
}

/**
 * The segments of the record [start, end) that `scanner` scanned last; undefined where it is not worth predicting: too
 * many members, a known field twice, or a literal that is long or not all printable ASCII.
 */
export function learnSegments(
  scanner: JsonScanner,
  known: readonly KnownField[],
  dictionaries: readonly Dictionary[],
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly Segment[] | undefined {
  if (scanner.memberCount > MAX_TRACKED_MEMBERS) return undefined
  const segments: Segment[] = []
  const seen = new Set<KnownField>()
  let literalStart = start
  for (let member = 0; member < scanner.memberCount; member++) {
    const field = known[scanner.memberFields[member] as number]
    if (field !== undefined && seen.has(field)) return undefined
    if (field !== undefined) seen.add(field)
    const kind = scanner.memberKinds[member] as number
    if (kind !== STRING && kind !== NUMBER) continue
    const valueStart = scanner.memberStarts[member] as number
    const valueEnd = scanner.memberEnds[member] as number
    const operation = operationFor(kind, field, bytes, valueStart, valueEnd) ?? OPERATIONS.nothing
    segments.push(makeSegment(bytes.slice(literalStart, valueStart), operation, field, dictionaries))
    literalStart = valueEnd
  }
  segments.push(makeSegment(bytes.slice(literalStart, end), CLOSE, undefined, dictionaries))
  return segments.every((segment) => isPredictable(segment.literal)) ? segments : undefined
}
