/**
 * Values in the plainest of their forms, read several bytes at a time.
 *
 * S1  Each function either reads its value exactly as the general parser would, or says that it cannot.
 * S2  No byte at or after `end` is read.
 *
 * Bytes are tested four at a time in a 32-bit word, lowest byte first (H. S. Warren, Hacker's Delight, 6-1): a borrow
 * can raise a false flag only above a true one, so the lowest flag is always right.
 */
import { MAX_TEXT_BYTES } from './text-values.ts'

/** Bytes within which a plain string must close. */
const MAX_PLAIN_SPAN = MAX_TEXT_BYTES + 1

const QUOTE = 0x22
const ZERO = 0x30

/**
 * Flags, by their highest bits, the bytes of a word that may not stand in a plain string: the quote, the backslash,
 * controls, non-ASCII. With its second bit turned the quote is the only printable byte below 0x21; and what is not
 * ASCII keeps its highest bit in one of the differences.
 */
function endFlags(word: number): number {
  return (((word ^ 0x02020202) - 0x21212121) | ((word ^ 0x5c5c5c5c) - 0x01010101)) & 0x80808080
}

/** The lowest flag of a word, a power of two, or 0. */
export function lowestFlag(word: number): number {
  const flags = endFlags(word)
  return flags & -flags
}

/** Index in its word of the byte with a flag. */
export function flaggedByte(flag: number): number {
  return (31 - Math.clz32(flag)) >> 3
}

/** A mask of the bytes below a flag. */
export function keptBits(flag: number): number {
  return (flag >>> 7) - 1
}

/**
 * The closing quote of the plain string that starts at `pos`: all ASCII, no escape, at most 512 bytes.
 *
 * @returns its position, or -1 where the string is not plain or does not end before `end`
 */
export function plainStringEnd(view: DataView, pos: number, end: number): number {
  const limit = Math.min(end, pos + MAX_PLAIN_SPAN)
  let at = pos
  for (; at + 4 <= limit; at += 4) {
    const flags = endFlags(view.getInt32(at, true))
    if (flags === 0) continue
    at += flaggedByte(flags & -flags)
    return view.getUint8(at) === QUOTE ? at : -1
  }
  for (; at < limit; at++) {
    const byte = view.getUint8(at)
    if (byte === QUOTE) return at
    if (byte < 0x20 || byte === 0x5c || byte >= 0x80) return -1
  }
  return -1
}

/** Value of two lower-case hexadecimal digits, by their bytes as a little-endian word; -1 for anything else. */
const HEX_PAIR: Int16Array = new Int16Array(0x10000).fill(-1)
const HEX_DIGITS = '0123456789abcdef'
for (let value = 0; value < 256; value++) {
  const high = HEX_DIGITS.charCodeAt(value >> 4)
  const low = HEX_DIGITS.charCodeAt(value & 15)
  HEX_PAIR[high | (low << 8)] = value
}

/** Reads the canonical UUID at `pos`, where 36 bytes must exist; as `readUuid` of id-hash.ts. */
export function readPlainUuid(view: DataView, pos: number, lanes: Int32Array, at: number): boolean {
  const pair = HEX_PAIR
  const w0 = view.getInt32(pos, true)
  const w1 = view.getInt32(pos + 4, true)
  const h0 = view.getInt32(pos + 8, true)
  const h1 = view.getInt32(pos + 12, true)
  const h2 = view.getInt32(pos + 16, true)
  const h3 = view.getInt32(pos + 20, true)
  const w2 = (h0 >>> 8) | (h1 << 24)
  const w3 = (h1 >>> 16) | (h2 << 16)
  const w4 = (h2 >>> 24) | (h3 << 8)
  const w5 = view.getInt32(pos + 24, true)
  const w6 = view.getInt32(pos + 28, true)
  const w7 = view.getInt32(pos + 32, true)
  const a0 = pair[w0 & 0xffff] as number
  const a1 = pair[w0 >>> 16] as number
  const a2 = pair[w1 & 0xffff] as number
  const a3 = pair[w1 >>> 16] as number
  const b0 = pair[w2 & 0xffff] as number
  const b1 = pair[w2 >>> 16] as number
  const b2 = pair[w3 & 0xffff] as number
  const b3 = pair[w3 >>> 16] as number
  const c0 = pair[w4 & 0xffff] as number
  const c1 = pair[w4 >>> 16] as number
  const c2 = pair[w5 & 0xffff] as number
  const c3 = pair[w5 >>> 16] as number
  const d0 = pair[w6 & 0xffff] as number
  const d1 = pair[w6 >>> 16] as number
  const d2 = pair[w7 & 0xffff] as number
  const d3 = pair[w7 >>> 16] as number
  lanes[at] = (a0 << 24) | (a1 << 16) | (a2 << 8) | a3
  lanes[at + 1] = (b0 << 24) | (b1 << 16) | (b2 << 8) | b3
  lanes[at + 2] = (c0 << 24) | (c1 << 16) | (c2 << 8) | c3
  lanes[at + 3] = (d0 << 24) | (d1 << 16) | (d2 << 8) | d3
  const hyphens = (h0 & 0xff) | (h1 & 0xff00) | (h2 & 0xff0000) | (h3 & 0xff000000)
  const digits = a0 | a1 | a2 | a3 | b0 | b1 | b2 | b3 | c0 | c1 | c2 | c3 | d0 | d1 | d2 | d3
  return hyphens === 0x2d2d2d2d && digits >= 0
}

/** Four ASCII digits in a word as a number, or -1. */
export function fourDigits(word: number): number {
  if ((((word & 0xf0f0f0f0) ^ 0x30303030) | (((word + 0x06060606) & 0xf0f0f0f0) ^ 0x30303030)) !== 0) return -1
  const digits = word & 0x0f0f0f0f
  const pairs = Math.imul(digits, 10) + (digits >>> 8)
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff)
}

/**
 * The 13 digits at `pos`, where 13 bytes must exist, as a number of ms that has no leading zero; -1 where they are not.
 */
export function plainTime(view: DataView, pos: number): number {
  const first = fourDigits(view.getInt32(pos, true))
  const second = fourDigits(view.getInt32(pos + 4, true))
  const third = fourDigits(view.getInt32(pos + 8, true))
  const last = view.getUint8(pos + 12) - ZERO
  if ((first | second | third) < 0 || first < 1000 || last < 0 || last > 9) return -1
  return (first * 10_000 + second) * 100_000 + (third * 10 + last)
}
