/**
 * JSON strings and numbers as the values of fields: unescaped text, event times, money.
 *
 * V1  Every function reads bytes that the JSON grammar already accepted, and decides exactly, from the decimal text,
 *     never through a rounded double.
 * V2  Every function takes time in proportion to its text, whatever exponent it holds.
 * V3  Nothing is allocated.
 */
import { END_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../../time/window.ts'
import { writeCodePoint } from './utf8.ts'

/** Text of a known field may have so many UTF-8 bytes. */
export const MAX_TEXT_BYTES = 512

/** The largest amount of money, 1,000,000 currency units, in millionths. */
export const MAX_MICROS = 1_000_000_000_000

const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const BACKSLASH = 0x5c

/**
 * Writes what a string's raw bytes [start, end), between its quotes, stand for, surrogates left alone as three bytes
 * (U2). `into` needs room for `end - start` bytes and three more.
 *
 * @returns the number of bytes written
 */
export function unescapeString(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let length = 0
  let pos = start
  while (pos < end) {
    const byte = bytes[pos] as number
    if (byte !== BACKSLASH) {
      into[length++] = byte
      pos++
    } else if (bytes[pos + 1] !== 0x75) {
      into[length++] = simpleEscape(bytes[pos + 1] as number)
      pos += 2
    } else {
      let codePoint = hex4(bytes, pos + 2)
      pos += 6
      if ((codePoint & 0xfc00) === 0xd800 && bytes[pos] === BACKSLASH && bytes[pos + 1] === 0x75) {
        const low = hex4(bytes, pos + 2)
        if ((low & 0xfc00) === 0xdc00) {
          codePoint = 0x10000 + ((codePoint & 0x3ff) << 10) + (low & 0x3ff)
          pos += 6
        }
      }
      length = writeCodePoint(codePoint, into, length)
    }
  }
  return length
}

function simpleEscape(letter: number): number {
  switch (letter) {
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    default:
      return letter
  }
}

function hex4(bytes: Uint8Array, pos: number): number {
  let value = 0
  for (let i = 0; i < 4; i++) {
    const digit = bytes[pos + i] as number
    // '0'..'9' keep their low bits; letters of either case have 1..6 there, nine short of their value.
    value = (value << 4) | ((digit & 0xf) + (digit > 0x39 ? 9 : 0))
  }
  return value
}

/** Whether unescaped text holds what no database can: U+0000 or a surrogate left alone. */
export function isUnstorable(text: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const byte = text[i] as number
    if (byte === 0 || (byte === 0xed && (text[i + 1] as number) >= 0xa0)) return true
  }
  return false
}

/**
 * The parts of a JSON number: its significant digits, without zeros at either end, are those in [first, last] but for
 * a decimal point; its value is 0.d1d2d3… × 10^magnitude. Reused; filled by {@link DecimalText.read}.
 */
class DecimalText {
  negative = false
  first = 0
  last = -1
  digitCount = 0
  magnitude = 0

  read(bytes: Uint8Array, start: number, end: number): void {
    this.negative = bytes[start] === MINUS
    const mantissaStart = this.negative ? start + 1 : start
    let dot = -1
    let pos = mantissaStart
    this.first = -1
    this.last = -1
    for (; pos < end; pos++) {
      const byte = bytes[pos] as number
      if (byte === DOT) dot = pos
      else if ((byte | 0x20) === 0x65) break
      else if (byte !== ZERO) {
        if (this.first < 0) this.first = pos
        this.last = pos
      }
    }
    if (this.first < 0) {
      this.digitCount = 0
      this.magnitude = 0
      return
    }
    const point = dot < 0 ? pos : dot
    this.digitCount = this.last - this.first + (this.first < point && point < this.last ? 0 : 1)
    this.magnitude = (this.first < point ? point - this.first : point + 1 - this.first) + exponentOf(bytes, pos, end)
  }

  /** The first `count` significant digits as a whole number, zeros following the last; `count` is at most 15. */
  leading(bytes: Uint8Array, count: number): number {
    let value = 0
    let pos = this.first
    for (let taken = 0; taken < count; pos++) {
      const digit = pos <= this.last ? (bytes[pos] as number) : ZERO
      if (digit === DOT) continue
      value = value * 10 + (digit - ZERO)
      taken++
    }
    return value
  }

  /** Whether the digit at `index` among the significant ones is 5 or more. */
  roundsUpAt(bytes: Uint8Array, index: number): boolean {
    let pos = this.first
    for (let passed = 0; pos <= this.last; pos++) {
      if (bytes[pos] === DOT) continue
      if (passed === index) return (bytes[pos] as number) >= 0x35
      passed++
    }
    return false
  }
}

const decimal = new DecimalText()

/** The exponent written from its letter on, 0 where there is none, held within ±10^9 whatever is written. */
function exponentOf(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0
  const sign = bytes[start + 1] as number
  let exponent = 0
  for (let pos = sign < ZERO ? start + 2 : start + 1; pos < end; pos++) {
    exponent = Math.min(exponent * 10 + ((bytes[pos] as number) - ZERO), 1e9)
  }
  return sign === MINUS ? -exponent : exponent
}

/** The JSON number [start, end) in millionths, rounded half away from zero; -1 where it is out of range. */
export function parseMoney(bytes: Uint8Array, start: number, end: number): number {
  decimal.read(bytes, start, end)
  if (decimal.digitCount === 0) return 0
  const wholeDigits = decimal.magnitude + 6
  if (wholeDigits < 0) return 0
  if (wholeDigits > 13) return -1
  const micros = decimal.leading(bytes, wholeDigits) + (decimal.roundsUpAt(bytes, wholeDigits) ? 1 : 0)
  if (micros > MAX_MICROS || (decimal.negative && micros > 0)) return -1
  return micros
}

/** The event time that the JSON number [start, end) gives in ms; -1 where it is no whole number or out of range. */
export function parseTimeNumber(bytes: Uint8Array, start: number, end: number): number {
  decimal.read(bytes, start, end)
  const { magnitude, digitCount } = decimal
  if (decimal.negative || magnitude < 12 || magnitude > 13 || digitCount > magnitude) return -1
  return inRange(decimal.leading(bytes, magnitude))
}

/**
 * The event time that the text [start, end) gives in ms: digits alone, or ISO 8601 with a zone; -1 where it does not.
 */
export function parseTimeText(bytes: Uint8Array, start: number, end: number): number {
  let pos = start
  let value = 0
  for (; pos < end; pos++) {
    const digit = (bytes[pos] as number) - ZERO
    if (digit < 0 || digit > 9) return parseIsoTime(bytes, start, end)
    // Above the range it need only stay there.
    value = Math.min(value * 10 + digit, END_EVENT_TIME_MS)
  }
  return pos === start ? -1 : inRange(value)
}

function inRange(timeMs: number): number {
  return timeMs >= MIN_EVENT_TIME_MS && timeMs < END_EVENT_TIME_MS ? timeMs : -1
}

const NOT_DIGITS = 1_000_000

/** Two digits at `pos` as a number; NOT_DIGITS, which no field of a date allows, where they are not before `end`. */
function twoDigits(bytes: Uint8Array, pos: number, end: number): number {
  if (pos + 2 > end) return NOT_DIGITS
  const tens = (bytes[pos] as number) - ZERO
  const ones = (bytes[pos + 1] as number) - ZERO
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? NOT_DIGITS : tens * 10 + ones
}

/** `YYYY-MM-DD(T|t| )HH:MM[:SS[.f+]](Z|z|±HH:MM|±HHMM|±HH)`, -1 for anything else or out of range. */
function parseIsoTime(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 17) return -1
  const year = twoDigits(bytes, start, end) * 100 + twoDigits(bytes, start + 2, end)
  const month = twoDigits(bytes, start + 5, end)
  const day = twoDigits(bytes, start + 8, end)
  const separator = bytes[start + 10] as number
  const hour = twoDigits(bytes, start + 11, end)
  const minute = twoDigits(bytes, start + 14, end)
  if (bytes[start + 4] !== MINUS || bytes[start + 7] !== MINUS || bytes[start + 13] !== COLON) return -1
  if (separator !== 0x20 && (separator | 0x20) !== 0x74) return -1
  if (year > 9999 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return -1
  if (hour > 23 || minute > 59) return -1
  let pos = start + 16
  let secondsMs = 0
  if (bytes[pos] === COLON) {
    const second = twoDigits(bytes, pos + 1, end)
    if (second > 59) return -1
    secondsMs = second * 1000
    pos += 3
    if (pos < end && bytes[pos] === DOT) {
      const fractionEnd = digitsEnd(bytes, pos + 1, end)
      const fractionMs = parseFractionMs(bytes, pos + 1, fractionEnd)
      if (fractionMs < 0) return -1
      secondsMs += fractionMs
      pos = fractionEnd
    }
  }
  const offsetMinutes = parseOffsetMinutes(bytes, pos, end)
  const minutes = daysFromEpoch(year, month, day) * 1440 + hour * 60 + minute - offsetMinutes
  return inRange(minutes * 60_000 + secondsMs)
}

function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let pos = start
  while (pos < end && (bytes[pos] as number) >= ZERO && (bytes[pos] as number) <= 0x39) pos++
  return pos
}

/** Digits after a decimal point as milliseconds; -1 where there are none or some past the third is not 0. */
function parseFractionMs(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1
  let fractionMs = 0
  for (let i = 0; i < 3; i++) fractionMs = fractionMs * 10 + (start + i < end ? (bytes[start + i] as number) - ZERO : 0)
  for (let pos = start + 3; pos < end; pos++) if (bytes[pos] !== ZERO) return -1
  return fractionMs
}

/** The zone that must fill [start, end), in minutes east of UTC; NaN where it is none. */
function parseOffsetMinutes(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  const sign = bytes[start] as number
  if (length === 1) return (sign | 0x20) === 0x7a ? 0 : NaN
  const hasColon = length === 6 && bytes[start + 3] === COLON
  if ((sign !== 0x2b && sign !== MINUS) || (length !== 3 && length !== 5 && !hasColon)) return NaN
  const hours = twoDigits(bytes, start + 1, end)
  const minutes = length === 3 ? 0 : twoDigits(bytes, end - 2, end)
  if (hours > 23 || minutes > 59) return NaN
  return (sign === MINUS ? -1 : 1) * (hours * 60 + minutes)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar, years counted from March. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const marchMonth = month > 2 ? month - 3 : month + 9
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return marchYear * 365 + leapDays + Math.floor((153 * marchMonth + 2) / 5) + day - 1 - 719_468
}
