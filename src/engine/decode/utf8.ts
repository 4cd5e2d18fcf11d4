/**
 * UTF-8, byte by byte: validation, decoding and encoding without any platform's help.
 *
 * U1  A sequence is valid exactly when it is the shortest form of a code point up to U+10FFFF that is no surrogate.
 * U2  Surrogates that JSON escapes (or a JavaScript string) leave alone are written as three bytes, so that texts stay
 *     comparable byte by byte; such bytes never occur in valid UTF-8.
 */

/**
 * Length in bytes of the valid sequence of two to four bytes that starts at `pos`, or 0 where there is none before
 * `end`. The bounds are those of table 3-7 of the Unicode Standard.
 */
export function sequenceLength(bytes: Uint8Array, pos: number, end: number): number {
  const lead = bytes[pos] as number
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  if (pos + length > end) return 0
  const second = bytes[pos + 1] as number
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return 0
  for (let i = 2; i < length; i++) if (((bytes[pos + i] as number) & 0xc0) !== 0x80) return 0
  return length
}

/** The text of valid UTF-8 in [start, end). */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let pos = start; pos < end;) {
    const lead = bytes[pos] as number
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    let codePoint = length === 1 ? lead : lead & (0x7f >> length)
    for (let i = 1; i < length; i++) codePoint = (codePoint << 6) | ((bytes[pos + i] as number) & 0x3f)
    text += String.fromCodePoint(codePoint)
    pos += length
  }
  return text
}

/** Writes one code point at `pos`, which needs room for four bytes, and returns the position after it. */
export function writeCodePoint(codePoint: number, into: Uint8Array, pos: number): number {
  if (codePoint < 0x80) {
    into[pos] = codePoint
    return pos + 1
  }
  const length = codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4
  for (let i = length - 1, rest = codePoint; i > 0; i--, rest >>= 6) into[pos + i] = 0x80 | (rest & 0x3f)
  into[pos] = ((0xf00 >> length) & 0xff) | (codePoint >> (6 * (length - 1)))
  return pos + length
}

/** The UTF-8 bytes of a text. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3 + 4)
  let length = 0
  for (const character of text) length = writeCodePoint(character.codePointAt(0) ?? 0, bytes, length)
  return bytes.slice(0, length)
}
