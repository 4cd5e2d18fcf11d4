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
import { END_EVENT_TIME_MS } from '../../time/window.ts'
import type { EventBatch } from '../event-batch.ts'
import type { Dictionary } from './dictionary.ts'
import { UUID_LENGTH } from './id-hash.ts'
import type { RecordParser } from './json-record.ts'
import { scanNumber } from './json-scan.ts'
import { OPERATIONS, TIME_DIGITS, type LayoutShape } from './layout-shape.ts'
import { endFlags, plainStringEnd, plainTime, readPlainUuid } from './plain-values.ts'
import type { KnownField } from './record-fields.ts'
import { MAX_MICROS, MAX_TEXT_BYTES, parseMoney, parseTimeNumber, parseTimeText } from './text-values.ts'

/** The answer for a record that does not follow a layout. */
export const NO_MATCH = -1

// Constants of this module are folded into optimised code; imported ones are loaded anew each time.
const SKIP_STRING = OPERATIONS.skipString
const EVENT_ID = OPERATIONS.eventId
const DIMENSION = OPERATIONS.dimension
const EVENT_TIME = OPERATIONS.eventTime
const MONEY = OPERATIONS.money
const IMPRESSION_ID = OPERATIONS.impressionId
/** Ends the record: follows the last literal. */
const CLOSE = -1
const WORD_BYTES = 8
const UUID_BYTES = UUID_LENGTH
const END_TIME_MS = END_EVENT_TIME_MS
const TIME_BYTES = TIME_DIGITS

const QUOTE = 0x22
const DOT = 0x2e
const ZERO = 0x30
/** Millionths by the number of decimals written. */
const MICROS_OF_DECIMALS = Float64Array.of(1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)

/**
 * A literal and what is done with the value after it. The literal's first 24 bytes are compared as three words of eight,
 * which may overlap, as doubles: all bytes are printable, so no word is 0, -0 or not a number, and equal means equal bits.
 */
interface Segment {
  readonly length: number
  /** Bytes the literal and the shortest value after it take. */
  readonly needed: number
  readonly word0: number
  readonly offset1: number
  readonly word1: number
  readonly offset2: number
  readonly word2: number
  /** What the three words leave to be compared: a literal shorter than a word, or bytes past the third word. */
  readonly rest: Uint8Array
  readonly restOffset: number
  readonly restLength: number
  readonly operation: number
  readonly field: KnownField | undefined
  /** Index of the dimension or sum the value goes to, or -1. */
  readonly target: number
  readonly dictionary: Dictionary | undefined
}

// An object literal, not a class: so V8 knows which of its fields are integers and which are doubles.
function segmentOf(shape: LayoutShape, index: number, dictionaries: readonly Dictionary[]): Segment {
  const literal = shape.literals[index] as Uint8Array
  const operation = shape.operations[index] ?? CLOSE
  const target = shape.targets[index] ?? -1
  const covered = literal.length < WORD_BYTES ? 0 : Math.min(literal.length, 3 * WORD_BYTES)
  const offset1 = Math.max(0, Math.min(WORD_BYTES, covered - WORD_BYTES))
  const offset2 = Math.max(0, covered - WORD_BYTES)
  return {
    length: literal.length,
    needed: literal.length + (operation === EVENT_TIME ? TIME_BYTES : operation === CLOSE ? 0 : 1),
    word0: wordOf(literal, 0),
    offset1,
    word1: wordOf(literal, offset1),
    offset2,
    word2: wordOf(literal, offset2),
    rest: literal.slice(covered),
    restOffset: covered,
    restLength: literal.length - covered,
    operation,
    field: shape.fields[index],
    target,
    dictionary: operation === DIMENSION ? dictionaries[target] : undefined,
  }
}

/** A learned layout, ready to decode. */
export class RecordLayout {
  readonly shape: LayoutShape
  /** Whether it ever decoded a record. */
  hasMatched = false
  readonly #parser: RecordParser
  readonly #segments: readonly Segment[]

  constructor(shape: LayoutShape, parser: RecordParser, dictionaries: readonly Dictionary[]) {
    this.shape = shape
    this.#parser = parser
    this.#segments = shape.literals.map((_, index) => segmentOf(shape, index, dictionaries))
  }

  /**
   * Writes the record that starts at `start` to row `row`, if it follows the layout and ends before or at `end`.
   * `view` covers the same bytes as `bytes`.
   *
   * @returns the position after the record's closing brace, or {@link NO_MATCH}
   */
  decode(view: DataView, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): number {
    const segments = this.#segments
    let pos = start
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i] as Segment
      const length = segment.length
      if (pos + segment.needed > end) return NO_MATCH
      if (length >= WORD_BYTES) {
        if (view.getFloat64(pos, true) !== segment.word0) return NO_MATCH
        if (view.getFloat64(pos + segment.offset1, true) !== segment.word1) return NO_MATCH
        if (length > 16 && view.getFloat64(pos + segment.offset2, true) !== segment.word2) return NO_MATCH
      }
      if (segment.restLength > 0 && !hasRest(segment, bytes, pos + segment.restOffset)) return NO_MATCH
      pos += length
      switch (segment.operation) {
        case SKIP_STRING:
          pos = plainStringEnd(view, pos, end)
          break
        case DIMENSION:
          pos = this.#readDimension(segment, view, bytes, pos, end, batch, row)
          break
        case EVENT_ID:
          pos = this.#readId(segment, view, bytes, pos, end, batch.id, batch, row)
          break
        case EVENT_TIME: {
          const timeMs = plainTime(view, pos)
          if (timeMs < 0 || timeMs >= END_TIME_MS) return NO_MATCH
          batch.timeMs[row] = timeMs
          pos += TIME_BYTES
          break
        }
        case MONEY:
          pos = this.#readMoney(segment, bytes, pos, end, batch, row)
          break
        case IMPRESSION_ID:
          pos = this.#readId(segment, view, bytes, pos, end, batch.impressionId, batch, row)
          break
        case CLOSE:
          this.#clearAbsent(batch, row)
          return pos
        default:
          pos = this.#readSeldom(segment, view, bytes, pos, end, batch, row)
      }
      if (pos < 0) return NO_MATCH
    }
    return NO_MATCH
  }

  /** Gives columns that the layout leaves out their absent value. */
  #clearAbsent(batch: EventBatch, row: number): void {
    const { absentDimensions, absentSums } = this.shape
    for (const dimension of absentDimensions) (batch.dimensions[dimension] as Int32Array)[row] = 0
    for (const sum of absentSums) (batch.sumsMicros[sum] as Float64Array)[row] = 0
  }

  #readId(
    segment: Segment,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    lanes: Int32Array,
    batch: EventBatch,
    row: number,
  ): number {
    const uuidEnd = pos + UUID_BYTES
    if (uuidEnd < end && bytes[uuidEnd] === QUOTE && readPlainUuid(view, pos, lanes, row * 4)) return uuidEnd
    return this.#readText(segment, bytes, pos, plainStringEnd(view, pos, end), batch, row)
  }

  #readDimension(
    segment: Segment,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    batch: EventBatch,
    row: number,
  ): number {
    const target = segment.target
    const dictionary = segment.dictionary as Dictionary
    const codes = batch.dimensions[target] as Int32Array
    if (pos + 12 > end) return this.#readLongDimension(view, bytes, pos, end, dictionary, codes, row)
    let first = view.getInt32(pos, true)
    let second = 0
    let third = 0
    let flags = endFlags(first)
    let at = pos
    if (flags !== 0) first &= keptBits(flags)
    else {
      second = view.getInt32(pos + 4, true)
      flags = endFlags(second)
      at = pos + 4
      if (flags !== 0) second &= keptBits(flags)
      else {
        third = view.getInt32(pos + 8, true)
        flags = endFlags(third)
        at = pos + 8
        if (flags === 0) return this.#readLongDimension(view, bytes, pos, end, dictionary, codes, row)
        third &= keptBits(flags)
      }
    }
    at += (31 - Math.clz32(flags & -flags)) >> 3
    if (bytes[at] !== QUOTE) return NO_MATCH
    let code = at === pos ? 0 : dictionary.findShort(first, second, third)
    if (code < 0) {
      code = dictionary.codeOf(bytes, pos, at)
      dictionary.rememberShort(first, second, third, code)
    }
    codes[row] = code
    return at
  }

  #readLongDimension(
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    dictionary: Dictionary,
    codes: Int32Array,
    row: number,
  ): number {
    const textEnd = plainStringEnd(view, pos, end)
    if (textEnd < 0) return NO_MATCH
    codes[row] = textEnd === pos ? 0 : dictionary.codeOf(bytes, pos, textEnd)
    return textEnd
  }

  /** Digits, perhaps with up to six decimals; anything else by the general rule. */
  #readMoney(segment: Segment, bytes: Uint8Array, pos: number, end: number, batch: EventBatch, row: number): number {
    let at = pos
    let digits = 0
    let decimals = 0
    const wholeLimit = Math.min(end, bytes[pos] === ZERO ? pos + 1 : pos + 7)
    for (; at < wholeLimit && isDigit(bytes[at] as number); at++) digits = digits * 10 + ((bytes[at] as number) - ZERO)
    const isSimple = at > pos
    if (isSimple && at < end && bytes[at] === DOT) {
      const from = ++at
      const limit = Math.min(end, from + 6)
      for (; at < limit && isDigit(bytes[at] as number); at++) digits = digits * 10 + ((bytes[at] as number) - ZERO)
      decimals = at - from
      if (decimals === 0) return NO_MATCH
    }
    let micros = digits * (MICROS_OF_DECIMALS[decimals] as number)
    if (!isSimple || at >= end || continuesNumber(bytes[at] as number)) {
      at = scanNumber(bytes, pos, end)
      micros = at < 0 ? -1 : parseMoney(bytes, pos, at)
    }
    if (micros < 0 || micros > MAX_MICROS) return NO_MATCH
    const target = segment.target
    if (target >= 0) (batch.sumsMicros[target] as Float64Array)[row] = micros
    return at
  }

  #readSeldom(
    segment: Segment,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    batch: EventBatch,
    row: number,
  ): number {
    switch (segment.operation) {
      case OPERATIONS.skipNumber:
        return scanNumber(bytes, pos, end)
      case OPERATIONS.textString:
        return this.#readText(segment, bytes, pos, plainStringEnd(view, pos, end), batch, row)
      case OPERATIONS.textNumber:
        return this.#readText(segment, bytes, pos, scanNumber(bytes, pos, end), batch, row)
      case OPERATIONS.timeString: {
        const textEnd = plainStringEnd(view, pos, end)
        return textEnd < 0
          ? NO_MATCH
          : this.#writeTime(segment, parseTimeText(bytes, pos, textEnd), batch, row, textEnd)
      }
      default: {
        const numberEnd = scanNumber(bytes, pos, end)
        return numberEnd < 0
          ? NO_MATCH
          : this.#writeTime(segment, parseTimeNumber(bytes, pos, numberEnd), batch, row, numberEnd)
      }
    }
  }

  #readText(segment: Segment, bytes: Uint8Array, pos: number, textEnd: number, batch: EventBatch, row: number): number {
    const field = segment.field
    if (field === undefined || textEnd < pos || textEnd - pos > MAX_TEXT_BYTES) return NO_MATCH
    if (textEnd > pos) this.#parser.writeText(field, bytes, pos, textEnd, batch, row)
    else if (field.required) return NO_MATCH
    else for (const dimension of field.dimensions) (batch.dimensions[dimension] as Int32Array)[row] = 0
    return textEnd
  }

  #writeTime(segment: Segment, timeMs: number, batch: EventBatch, row: number, pos: number): number {
    if (timeMs < 0) return NO_MATCH
    if (segment.field?.isEventTime === true) batch.timeMs[row] = timeMs
    return pos
  }
}

/** A mask of the bytes below the lowest flag. */
function keptBits(flags: number): number {
  return (1 << ((31 - Math.clz32(flags & -flags)) & 24)) - 1
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39
}

/** Whether a number goes on with this byte. */
function continuesNumber(byte: number): boolean {
  return isDigit(byte) || byte === DOT || (byte | 0x20) === 0x65
}

/** Eight bytes of a literal as a double; half of one where it is shorter, which is never compared. */
function wordOf(literal: Uint8Array, offset: number): number {
  if (literal.length < WORD_BYTES) return 0.5
  return new DataView(literal.buffer, literal.byteOffset, literal.byteLength).getFloat64(offset, true)
}

function hasRest(segment: Segment, bytes: Uint8Array, pos: number): boolean {
  const rest = segment.rest
  for (let i = 0; i < rest.length; i++) if (bytes[pos + i] !== rest[i]) return false
  return true
}
