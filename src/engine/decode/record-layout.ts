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

const QUOTE = 0x22
const DOT = 0x2e
const ZERO = 0x30
/** Millionths by the number of decimals written. */
const MICROS_OF_DECIMALS = Float64Array.of(1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)

/** A learned layout, ready to decode. */
export class RecordLayout {
  readonly shape: LayoutShape
  /** Whether it ever decoded a record. */
  hasMatched = false
  readonly #parser: RecordParser
  readonly #dictionaries: readonly Dictionary[]
  readonly #valueCount: number
  readonly #operations: Uint8Array
  readonly #fields: readonly (KnownField | undefined)[]
  /** Bytes of each literal and the least its value can take. */
  readonly #lengths: Int32Array
  readonly #needed: Int32Array
  /** Where the words of each literal begin in the two below; one entry more closes the last. */
  readonly #wordStarts: Int32Array
  /** Literals eight bytes at a time, as doubles: all bytes are printable, so no word is 0, -0 or not a number. */
  readonly #words: Float64Array
  /** Offset of each word in its literal: the last word of one may overlap the word before. */
  readonly #wordOffsets: Int32Array

  constructor(shape: LayoutShape, parser: RecordParser, dictionaries: readonly Dictionary[]) {
    this.shape = shape
    this.#parser = parser
    this.#dictionaries = dictionaries
    this.#valueCount = shape.operations.length
    this.#operations = Uint8Array.from(shape.operations)
    this.#fields = shape.fields
    this.#lengths = Int32Array.from(shape.literals, (literal) => literal.length)
    this.#needed = Int32Array.from(shape.literals, (literal, i) => literal.length + leastBytes(shape.operations[i]))
    const offsets = shape.literals.map((literal) => wordOffsets(literal.length))
    this.#wordStarts = new Int32Array(offsets.length + 1)
    offsets.forEach((list, i) => (this.#wordStarts[i + 1] = (this.#wordStarts[i] as number) + list.length))
    this.#wordOffsets = Int32Array.from(offsets.flat())
    this.#words = Float64Array.from(
      shape.literals.flatMap((literal, i) => (offsets[i] ?? []).map((offset) => wordOf(literal, offset))),
    )
  }

  /**
   * Writes the record that starts at `start` to row `row`, if it follows the layout and ends before or at `end`.
   * `view` covers the same bytes as `bytes`.
   *
   * @returns the position after the record's closing brace, or {@link NO_MATCH}
   */
  decode(view: DataView, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): number {
    const operations = this.#operations
    const lengths = this.#lengths
    const needed = this.#needed
    const wordStarts = this.#wordStarts
    const words = this.#words
    const offsets = this.#wordOffsets
    const valueCount = this.#valueCount
    let pos = start
    for (let i = 0; ; i++) {
      if (pos + (needed[i] as number) > end) return NO_MATCH
      let word = wordStarts[i] as number
      const wordsEnd = wordStarts[i + 1] as number
      if (word === wordsEnd && !this.#hasShortLiteral(i, bytes, pos)) return NO_MATCH
      for (; word < wordsEnd; word++) {
        if (view.getFloat64(pos + (offsets[word] as number), true) !== words[word]) return NO_MATCH
      }
      pos += lengths[i] as number
      if (i === valueCount) return this.#clear(batch, row, pos)
      switch (operations[i]) {
        case OPERATIONS.skipString:
          pos = plainStringEnd(view, pos, end)
          break
        case OPERATIONS.eventId:
          pos = this.#readId(i, view, bytes, pos, end, batch.id, batch, row)
          break
        case OPERATIONS.dimension:
          pos = this.#readDimension(i, view, bytes, pos, end, batch, row)
          break
        case OPERATIONS.eventTime: {
          const timeMs = plainTime(view, pos)
          if (timeMs < 0 || timeMs >= END_EVENT_TIME_MS) return NO_MATCH
          batch.timeMs[row] = timeMs
          pos += TIME_DIGITS
          break
        }
        case OPERATIONS.money:
          pos = this.#readMoney(i, bytes, pos, end, batch, row)
          break
        case OPERATIONS.impressionId:
          pos = this.#readId(i, view, bytes, pos, end, batch.impressionId, batch, row)
          break
        default:
          pos = this.#readSeldom(i, view, bytes, pos, end, batch, row)
      }
      if (pos < 0) return NO_MATCH
    }
  }

  /** Gives columns that the layout leaves out their absent value. */
  #clear(batch: EventBatch, row: number, pos: number): number {
    const { absentDimensions, absentSums } = this.shape
    for (let i = 0; i < absentDimensions.length; i++)
      (batch.dimensions[absentDimensions[i] as number] as Int32Array)[row] = 0
    for (let i = 0; i < absentSums.length; i++) (batch.sumsMicros[absentSums[i] as number] as Float64Array)[row] = 0
    return pos
  }

  /** Compares a literal shorter than a word. */
  #hasShortLiteral(i: number, bytes: Uint8Array, pos: number): boolean {
    const literal = this.shape.literals[i] as Uint8Array
    for (let k = 0; k < literal.length; k++) if (bytes[pos + k] !== literal[k]) return false
    return true
  }

  #readId(
    i: number,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    lanes: Int32Array,
    batch: EventBatch,
    row: number,
  ): number {
    const uuidEnd = pos + UUID_LENGTH
    if (uuidEnd < end && bytes[uuidEnd] === QUOTE && readPlainUuid(view, pos, lanes, row * 4)) return uuidEnd
    return this.#readText(i, bytes, pos, plainStringEnd(view, pos, end), batch, row)
  }

  #readDimension(
    i: number,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    batch: EventBatch,
    row: number,
  ): number {
    const target = this.shape.targets[i] as number
    const dictionary = this.#dictionaries[target] as Dictionary
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
  #readMoney(i: number, bytes: Uint8Array, pos: number, end: number, batch: EventBatch, row: number): number {
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
    const target = this.shape.targets[i] as number
    if (target >= 0) (batch.sumsMicros[target] as Float64Array)[row] = micros
    return at
  }

  #readSeldom(
    i: number,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    batch: EventBatch,
    row: number,
  ): number {
    switch (this.#operations[i]) {
      case OPERATIONS.skipNumber:
        return scanNumber(bytes, pos, end)
      case OPERATIONS.textString:
        return this.#readText(i, bytes, pos, plainStringEnd(view, pos, end), batch, row)
      case OPERATIONS.textNumber:
        return this.#readText(i, bytes, pos, scanNumber(bytes, pos, end), batch, row)
      case OPERATIONS.timeString: {
        const textEnd = plainStringEnd(view, pos, end)
        return textEnd < 0 ? NO_MATCH : this.#writeTime(i, parseTimeText(bytes, pos, textEnd), batch, row, textEnd)
      }
      default: {
        const numberEnd = scanNumber(bytes, pos, end)
        return numberEnd < 0
          ? NO_MATCH
          : this.#writeTime(i, parseTimeNumber(bytes, pos, numberEnd), batch, row, numberEnd)
      }
    }
  }

  #readText(i: number, bytes: Uint8Array, pos: number, textEnd: number, batch: EventBatch, row: number): number {
    const field = this.#fields[i]
    if (field === undefined || textEnd < pos || textEnd - pos > MAX_TEXT_BYTES) return NO_MATCH
    if (textEnd > pos) this.#parser.writeText(field, bytes, pos, textEnd, batch, row)
    else if (field.required) return NO_MATCH
    else for (const dimension of field.dimensions) (batch.dimensions[dimension] as Int32Array)[row] = 0
    return textEnd
  }

  #writeTime(i: number, timeMs: number, batch: EventBatch, row: number, pos: number): number {
    if (timeMs < 0) return NO_MATCH
    if (this.#fields[i]?.isEventTime === true) batch.timeMs[row] = timeMs
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

function leastBytes(operation: number | undefined): number {
  return operation === OPERATIONS.eventTime ? TIME_DIGITS : operation === undefined ? 0 : 1
}

/** Offsets of the words that together cover a literal of `length` bytes; none for one shorter than a word. */
function wordOffsets(length: number): number[] {
  const offsets: number[] = []
  for (let offset = 0; offset + 8 <= length; offset += 8) offsets.push(offset)
  if (length > 8 && length % 8 !== 0) offsets.push(length - 8)
  return offsets
}

function wordOf(literal: Uint8Array, offset: number): number {
  return new DataView(literal.buffer, literal.byteOffset, literal.byteLength).getFloat64(offset, true)
}
