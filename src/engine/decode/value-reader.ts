/**
 * Values of predicted records, read to their columns.
 *
 * A value is read only in a form whose meaning is beyond doubt; else the answer is {@link NO_MATCH} and what was
 * written to the row is void.
 */
import { END_EVENT_TIME_MS } from '../../time/window.ts'
import type { EventBatch } from '../event-batch.ts'
import type { Dictionary } from './dictionary.ts'
import { UUID_LENGTH } from './id-hash.ts'
import type { RecordParser } from './json-record.ts'
import { scanNumber } from './json-scan.ts'
import { flaggedByte, keptBits, lowestFlag, plainStringEnd, plainTime, readPlainUuid } from './plain-values.ts'
import type { Segment } from './segment.ts'
import { MAX_MICROS, MAX_TEXT_BYTES, parseMoney, parseTimeNumber, parseTimeText } from './text-values.ts'
import { OPERATIONS, TIME_DIGITS } from './value-operations.ts'

/** The answer for what was not predicted. */
export const NO_MATCH = -1

// Constants of this module are folded into optimised code; imported ones are loaded anew each time.
const SKIP_STRING = OPERATIONS.skipString
const EVENT_ID = OPERATIONS.eventId
const DIMENSION = OPERATIONS.dimension
const EVENT_TIME = OPERATIONS.eventTime
const MONEY = OPERATIONS.money
const IMPRESSION_ID = OPERATIONS.impressionId
const UUID_BYTES = UUID_LENGTH
const END_TIME_MS = END_EVENT_TIME_MS
const TIME_BYTES = TIME_DIGITS

const QUOTE = 0x22
const DOT = 0x2e
const ZERO = 0x30
/** Millionths by the number of decimals written. */
const MICROS_OF_DECIMALS = Float64Array.of(1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)

/** Reads values for one stream. */
export class ValueReader {
  readonly #parser: RecordParser

  constructor(parser: RecordParser) {
    this.#parser = parser
  }

  /**
   * Reads the value at `pos`, after the segment's literal, to row `row`.
   *
   * @returns the position after it (a string's closing quote), or {@link NO_MATCH}
   */
  read(
    segment: Segment,
    view: DataView,
    bytes: Uint8Array,
    pos: number,
    end: number,
    batch: EventBatch,
    row: number,
  ): number {
    switch (segment.operation) {
      case SKIP_STRING:
        return plainStringEnd(view, pos, end)
      case DIMENSION:
        return this.#readDimension(segment, view, bytes, pos, end, batch, row)
      case EVENT_ID:
        return this.#readId(segment, view, bytes, pos, end, batch.id, batch, row)
      case EVENT_TIME: {
        const timeMs = plainTime(view, pos)
        if (timeMs < 0 || timeMs >= END_TIME_MS) return NO_MATCH
        batch.timeMs[row] = timeMs
        return pos + TIME_BYTES
      }
      case MONEY:
        return this.#readMoney(segment, bytes, pos, end, batch, row)
      case IMPRESSION_ID:
        return this.#readId(segment, view, bytes, pos, end, batch.impressionId, batch, row)
      default:
        return this.#readSeldom(segment, view, bytes, pos, end, batch, row)
    }
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
    let flag = lowestFlag(first)
    let at = pos
    if (flag !== 0) first &= keptBits(flag)
    else {
      second = view.getInt32(pos + 4, true)
      flag = lowestFlag(second)
      at = pos + 4
      if (flag !== 0) second &= keptBits(flag)
      else {
        third = view.getInt32(pos + 8, true)
        flag = lowestFlag(third)
        at = pos + 8
        if (flag === 0) return this.#readLongDimension(view, bytes, pos, end, dictionary, codes, row)
        third &= keptBits(flag)
      }
    }
    at += flaggedByte(flag)
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
      at = plainNumberEnd(bytes, pos, end)
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
        return plainNumberEnd(bytes, pos, end)
      case OPERATIONS.textString:
        return this.#readText(segment, bytes, pos, plainStringEnd(view, pos, end), batch, row)
      case OPERATIONS.textNumber:
        return this.#readText(segment, bytes, pos, plainNumberEnd(bytes, pos, end), batch, row)
      case OPERATIONS.timeString: {
        const textEnd = plainStringEnd(view, pos, end)
        return textEnd < 0
          ? NO_MATCH
          : this.#writeTime(segment, parseTimeText(bytes, pos, textEnd), batch, row, textEnd)
      }
      default: {
        const numberEnd = plainNumberEnd(bytes, pos, end)
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

/** The end of the number at `pos`, or {@link NO_MATCH} where it is none, or so long that a record might be too long. */
function plainNumberEnd(bytes: Uint8Array, pos: number, end: number): number {
  const limit = Math.min(end, pos + MAX_TEXT_BYTES)
  const after = scanNumber(bytes, pos, limit)
  return after === limit && limit < end ? NO_MATCH : after
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39
}

/** Whether a number goes on with this byte. */
function continuesNumber(byte: number): boolean {
  return isDigit(byte) || byte === DOT || (byte | 0x20) === 0x65
}
