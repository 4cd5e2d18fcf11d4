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
 * L4  No record it decodes is longer than a record may be: 64 members at most, each with a literal of up to 4,096 bytes
 *     and a value of up to 512, are less.
 */
import { END_EVENT_TIME_MS } from '../../time/window.ts'
import type { EventBatch } from '../event-batch.ts'
import { compileLayout } from './compiled/compile.ts'
import { ProgramOf } from './compiled/programs.ts'
import type { Dictionary } from './dictionary.ts'
import { UUID_LENGTH } from './id-hash.ts'
import { NO_FIELD } from './json-record.ts'
import { flaggedByte, fourDigits, keptBits, lowestFlag, readPlainUuid } from './plain-values.ts'
import { hasLiteral, hasRest, isSameSegment, type Segment } from './segment.ts'
import { OPERATIONS, TIME_DIGITS } from './value-operations.ts'
import { NO_MATCH, type ValueReader } from './value-reader.ts'

// Constants of this module are folded into optimised code; imported ones are loaded anew each time, functions too.
const CLOSE = OPERATIONS.close
const SKIP_STRING = OPERATIONS.skipString
const EVENT_ID = OPERATIONS.eventId
const DIMENSION = OPERATIONS.dimension
const EVENT_TIME = OPERATIONS.eventTime
const MONEY = OPERATIONS.money
const IMPRESSION_ID = OPERATIONS.impressionId
const TIME_BYTES = TIME_DIGITS
const UUID_BYTES = UUID_LENGTH
const END_TIME_MS = END_EVENT_TIME_MS
const MISMATCH = NO_MATCH
const lowestFlagOf = lowestFlag
const byteOf = flaggedByte
const bitsBelow = keptBits
const digitsOf = fourDigits
const readUuid = readPlainUuid
const hasLongRest = hasRest

const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22
const COMMA = 0x2c
const ZERO = 0x30
const CLOSE_BRACE = 0x7d
/** A word whose second byte is a decimal point, the others left out. */
const DOT_SECOND = 0x2e00

/** A learned layout, ready to decode. */
export class RecordLayout {
  /** Whether it ever decoded a record. */
  hasMatched = false
  readonly program: ProgramOf
  readonly #reader: ValueReader
  readonly #segments: readonly Segment[]
  /** Dimensions and sums that no value goes to. */
  readonly #absentDimensions: readonly number[]
  readonly #absentSums: readonly number[]

  constructor(segments: readonly Segment[], reader: ValueReader, batch: EventBatch) {
    this.#segments = segments
    this.#reader = reader
    this.program = new ProgramOf((addresses) => compileLayout(segments, addresses))
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
   * Appends the events of the lines from `start` on to `batch`, for as long as they follow the layout and rows are
   * left.
   *
   * @param firstPosition position of the line at `start`
   * @returns the start of the first line not decoded; by `batch.count` the caller knows how many were
   */
  decodeRun(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    batch: EventBatch,
    firstPosition: number,
  ): number {
    let lineStart = start
    for (let position = firstPosition; batch.count < batch.limit; position++) {
      const row = batch.count
      const pos = this.decode(view, bytes, lineStart, end, batch, row)
      const next = pos < 0 ? MISMATCH : afterLineEnd(bytes, pos, end)
      if (next < 0) break
      endRow(batch, row, lineStart, pos, position)
      lineStart = next
    }
    return lineStart
  }

  /**
   * Writes the record that starts at `start` to row `row`, if it follows the layout and ends before or at `end`.
   * `view` covers the same bytes as `bytes`.
   *
   * Here until the layout is compiled, and wherever it cannot be. Reading the usual forms of the usual values in this
   * loop instead of by {@link ValueReader} made it 1.35 to 1.4 times as fast; calling the imported functions by their
   * own names would take back 3 %. It stays one long function because V8 inlines no more than 920 bytes of bytecode
   * into another: with a function for each kind of value a record takes 1.22 times as long, with the switch in one of
   * its own 1.4 times. A text's closing quote need not be looked at: the next literal begins with it.
   *
   * @returns the position after the record's closing brace, or {@link NO_MATCH}
   */
  decode(view: DataView, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): number {
    const segments = this.#segments
    const reader = this.#reader
    let pos = start
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i] as Segment
      if (pos + segment.room > end) {
        pos = this.#readNearEnd(segment, view, bytes, pos, end, batch, row)
        if (pos < 0) return MISMATCH
        continue
      }
      const length = segment.length
      if (length >= 8) {
        if (view.getFloat64(pos, true) !== segment.word0) return MISMATCH
        if (view.getFloat64(pos + segment.offset1, true) !== segment.word1) return MISMATCH
        if (length > 16 && view.getFloat64(pos + segment.offset2, true) !== segment.word2) return MISMATCH
      }
      if (segment.restLength !== 0) {
        if (bytes[pos + segment.restOffset] !== segment.restByte) return MISMATCH
        if (segment.restLength > 1 && !hasLongRest(segment, bytes, pos)) return MISMATCH
      }
      pos += length
      switch (segment.operation) {
        case SKIP_STRING:
        case DIMENSION: {
          let first = view.getInt32(pos, true)
          let second = 0
          let third = 0
          let at = pos
          let flag = lowestFlagOf(first)
          if (flag !== 0) first &= bitsBelow(flag)
          else {
            second = view.getInt32(pos + 4, true)
            at = pos + 4
            flag = lowestFlagOf(second)
            if (flag !== 0) second &= bitsBelow(flag)
            else {
              third = view.getInt32(pos + 8, true)
              at = pos + 8
              flag = lowestFlagOf(third)
              third &= bitsBelow(flag)
            }
          }
          if (flag === 0) {
            pos = reader.read(segment, view, bytes, pos, end, batch, row)
            break
          }
          at += byteOf(flag)
          if (segment.operation === DIMENSION) {
            const code = (segment.dictionary as Dictionary).findShort(first, second, third)
            if (code < 0) {
              pos = reader.read(segment, view, bytes, pos, end, batch, row)
              break
            }
            ;(batch.dimensions[segment.target] as Int32Array)[row] = code
          }
          pos = at
          break
        }
        case EVENT_ID:
        case IMPRESSION_ID: {
          const lanes = segment.operation === EVENT_ID ? batch.id : batch.impressionId
          if (bytes[pos + UUID_BYTES] === QUOTE && readUuid(view, pos, lanes, row * 4)) pos += UUID_BYTES
          else pos = reader.read(segment, view, bytes, pos, end, batch, row)
          break
        }
        case EVENT_TIME: {
          const first = digitsOf(view.getInt32(pos, true))
          const second = digitsOf(view.getInt32(pos + 4, true))
          const third = digitsOf(view.getInt32(pos + 8, true))
          const last = (bytes[pos + 12] as number) - ZERO
          if ((first | second | third) < 0 || first < 1000 || last < 0 || last > 9) return MISMATCH
          const timeMs = first * 1e9 + (second * 100_000 + third * 10 + last)
          if (timeMs >= END_TIME_MS) return MISMATCH
          batch.timeMs[row] = timeMs
          pos += TIME_BYTES
          break
        }
        case MONEY: {
          // One digit, and after the point one or two: what most events cost.
          const word = view.getInt32(pos, true)
          const ones = (word & 0xff) - ZERO
          const tenths = ((word >>> 16) & 0xff) - ZERO
          const hundredths = (word >>> 24) - ZERO
          const length = hundredths >>> 0 > 9 ? 3 : 4
          const after = bytes[pos + length]
          const isPlain = (word & 0xff00) === DOT_SECOND && ones >>> 0 <= 9 && tenths >>> 0 <= 9
          if (!isPlain || (after !== COMMA && after !== CLOSE_BRACE)) {
            pos = reader.read(segment, view, bytes, pos, end, batch, row)
            break
          }
          const micros = ones * 1_000_000 + tenths * 100_000 + (length === 4 ? hundredths * 10_000 : 0)
          if (segment.target >= 0) (batch.sumsMicros[segment.target] as Float64Array)[row] = micros
          pos += length
          break
        }
        case CLOSE:
          break
        default:
          pos = reader.read(segment, view, bytes, pos, end, batch, row)
      }
      if (pos < 0) return MISMATCH
    }
    this.#clearAbsent(batch, row)
    return pos
  }

  /** One step of {@link decode} where there is no room to look ahead. */
  #readNearEnd(
    segment: Segment,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    batch: EventBatch,
    row: number,
  ): number {
    if (pos + segment.needed > end || !hasLiteral(segment, view, bytes, pos)) return NO_MATCH
    const valueStart = pos + segment.length
    return segment.operation === CLOSE
      ? valueStart
      : this.#reader.read(segment, view, bytes, valueStart, end, batch, row)
  }

  #clearAbsent(batch: EventBatch, row: number): void {
    const dimensions = this.#absentDimensions
    const sums = this.#absentSums
    for (let i = 0; i < dimensions.length; i++) (batch.dimensions[dimensions[i] as number] as Int32Array)[row] = 0
    for (let i = 0; i < sums.length; i++) (batch.sumsMicros[sums[i] as number] as Float64Array)[row] = 0
  }
}

/** Marks row `row` as the sound record [start, end), and the batch as filled up to it. */
export function endRow(batch: EventBatch, row: number, start: number, end: number, position: number): void {
  batch.malformed[row] = 0
  batch.malformedField[row] = NO_FIELD
  batch.byteStart[row] = start
  batch.byteEnd[row] = end
  batch.position[row] = position
  batch.count = row + 1
}

/** The position after the line end at `pos`, an LF with or without a CR, or -1 where there is something else. */
export function afterLineEnd(bytes: Uint8Array, pos: number, end: number): number {
  if (pos < end && bytes[pos] === LF) return pos + 1
  return pos + 1 < end && bytes[pos] === CR && bytes[pos + 1] === LF ? pos + 2 : -1
}
