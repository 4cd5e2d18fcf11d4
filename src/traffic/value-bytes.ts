/**
 * Ids and times as bytes of JSON.
 */

const QUOTE = 0x22
const MINUS = 0x2d
const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))

/** Bytes of a `\u` escape. */
const ESCAPE_BYTES = 6

/** The longest id: quotes, a UUID, one of whose digits is escaped. */
export const MAX_ID_BYTES: number = 36 + 2 + ESCAPE_BYTES - 1

/** The longest time: an ISO-8601 text in quotes. */
export const MAX_TIME_BYTES = 26

/** Writes four lanes as a UUID in quotes; escaped, its first digit is a `\u` escape. */
export function writeId(out: Uint8Array, at: number, lanes: Int32Array, first: number, escaped: boolean): number {
  out[at++] = QUOTE
  const start = at
  if (escaped) at += ESCAPE_BYTES - 1
  const middle = lanes[first + 1] ?? 0
  const lower = lanes[first + 2] ?? 0
  at = writeHexWord(out, at, lanes[first] ?? 0)
  out[at++] = MINUS
  at = writeHexHalf(out, at, middle >>> 16)
  out[at++] = MINUS
  at = writeHexHalf(out, at, middle)
  out[at++] = MINUS
  at = writeHexHalf(out, at, lower >>> 16)
  out[at++] = MINUS
  at = writeHexHalf(out, at, lower)
  at = writeHexWord(out, at, lanes[first + 3] ?? 0)
  if (escaped) escapeDigit(out, start)
  out[at++] = QUOTE
  return at
}

function writeHexWord(out: Uint8Array, at: number, word: number): number {
  return writeHexHalf(out, writeHexHalf(out, at, word >>> 16), word)
}

function writeHexHalf(out: Uint8Array, at: number, half: number): number {
  out[at] = HEX[(half >>> 12) & 15] ?? 0
  out[at + 1] = HEX[(half >>> 8) & 15] ?? 0
  out[at + 2] = HEX[(half >>> 4) & 15] ?? 0
  out[at + 3] = HEX[half & 15] ?? 0
  return at + 4
}

/** Puts the `\u00XX` form of the ASCII character at `start + 5` into the six bytes from `start`. */
function escapeDigit(out: Uint8Array, start: number): void {
  const unit = out[start + ESCAPE_BYTES - 1] ?? 0
  out[start] = 0x5c
  out[start + 1] = 0x75
  out[start + 2] = HEX[0] ?? 0
  out[start + 3] = HEX[0] ?? 0
  out[start + 4] = HEX[unit >> 4] ?? 0
  out[start + 5] = HEX[unit & 15] ?? 0
}

/** Writes a whole number from 0 to 2^53: nearly always a time of today, in 13 digits. */
export function writeWhole(out: Uint8Array, at: number, value: number): number {
  // Two halves of at most 9 and 7 digits: 32-bit division is several times quicker than division of doubles.
  let high = Math.floor(value / 10_000_000) | 0
  let low = (value - high * 10_000_000) | 0
  const end = at + digitsOf(value)
  for (let i = end - 1; i >= at; i--) {
    if (i >= end - 7) {
      out[i] = 48 + (low % 10)
      low = (low / 10) | 0
    } else {
      out[i] = 48 + (high % 10)
      high = (high / 10) | 0
    }
  }
  return end
}

function digitsOf(value: number): number {
  if (value >= 1e12 && value < 1e13) return 13
  let digits = 1
  for (let bound = 10; value >= bound; bound *= 10) digits++
  return digits
}

/** A time as text: as ISO-8601 when it is even, as digits when it is odd. */
export function writeTimeText(out: Uint8Array, at: number, timeMs: number): number {
  const text = timeMs % 2 === 0 ? new Date(timeMs).toISOString() : String(timeMs)
  out[at++] = QUOTE
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i)
  out[at++] = QUOTE
  return at
}
